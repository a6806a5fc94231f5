# The portal as uwsgi loads it. Rendered by hanoi from infra/services/sign_on.py.
use strict;
use warnings;
use lib '/etc/lemonldap-ng';
use Digest::SHA qw(sha256_hex);
use Lemonldap::NG::Portal::Main;
use Plack::Util;

sub content {
    my ($name) = @_;
    open( my $file, '<', "/etc/lemonldap-ng/$name" ) or die "$name: $!\n";
    local $/;
    return scalar <$file>;
}

# Of the three keys one signs; the others are published beside it. A key's id is taken from the
# key, so that it keeps its id when its part changes.
my %keys;
for ( [ '', 'key' ], [ 'New', 'next' ], [ 'Old', 'previous' ] ) {
    my ( $prefix, $part ) = @$_;
    my $key = content("signing-$part.pem");
    $keys{"oidcService${prefix}PrivateKeySig"} = $key;
    $keys{"oidcService${prefix}KeyIdSig"} = substr( sha256_hex("id of $key"), 0, 16 );
    $keys{"oidcService${prefix}KeyTypeSig"} = 'RSA';
    $keys{"oidcService${prefix}PublicKeySig"} = '';    # it takes what it publishes from the private one
}

my $portal = Lemonldap::NG::Portal::Main->run( \%keys );

sub {
    my ($env) = @_;
    # Only gateways can ask (client certificate), and they state who asked them.
    $env->{REMOTE_ADDR} = $1 if ( $env->{HTTP_X_FORWARDED_FOR} // '' ) =~ /([0-9a-fA-F.:]+)\s*$/;
    $env->{HTTPS} = 'on';
    my $answer = $portal->($env);
    # uwsgi sends bytes and takes no characters.
    utf8::downgrade($_) for @{ $answer->[1] };
    if ( ref $answer->[2] eq 'ARRAY' ) { utf8::downgrade($_) for @{ $answer->[2] } }
    # Without its length an answer ends with the connection, and one cut short would pass for whole.
    my $length = Plack::Util::content_length( $answer->[2] );
    push @{ $answer->[1] }, 'Content-Length' => $length
      if defined $length
      && !Plack::Util::header_exists( $answer->[1], 'Content-Length' )
      && !Plack::Util::status_with_no_entity_body( $answer->[0] );
    return $answer;
};
