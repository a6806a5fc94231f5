package Passwords;

# Passwords of users, hashed with yescrypt: slow, and in need of memory, for whoever guesses.
# LemonLDAP::NG calls this where it would hash or compare by itself (its own schemes are weaker,
# and some of them send the password to the database).

use strict;
use warnings;
use Crypt::URandom qw(urandom);
use Mouse;
use Lemonldap::NG::Portal::Main::Constants qw(PE_DONE);

extends 'Lemonldap::NG::Portal::Main::Plugin';

use constant hook => { dbiVerifyPassword => 'verify', dbiHashPassword => 'hash' };

my @LETTERS = ( '.', '/', 0 .. 9, 'A' .. 'Z', 'a' .. 'z' );

sub init { return 1 }

# The hash of a password, with a new salt of 128 bits.
sub hashed {
    my ($password) = @_;
    my $salt = join '', map { $LETTERS[ $_ % 64 ] } unpack 'C21', urandom(21);
    my $hash = crypt( encoded($password), '$y$j9T$' . $salt . '.' );
    die "this system has no yescrypt\n" unless ( $hash // '' ) =~ /^\$y\$/;
    return $hash;
}

# Whether the password has this hash; anything that is no hash of ours is no.
sub matches {
    my ( $password, $hash ) = @_;
    return 0 unless $hash =~ /^\$y\$/;
    return ( crypt( encoded($password), $hash ) // '' ) eq $hash ? 1 : 0;
}

sub encoded {
    my ($text) = @_;
    utf8::encode($text) if utf8::is_utf8($text);
    return $text;
}

sub verify {
    my ( $self, $req, $password, $hash, $found ) = @_;
    $found->{result} = matches( $password, $hash );
    return PE_DONE;
}

sub hash {
    my ( $self, $req, $scheme, $password, $found ) = @_;
    $found->{hashed_password} = hashed($password);
    return PE_DONE;
}

1;
