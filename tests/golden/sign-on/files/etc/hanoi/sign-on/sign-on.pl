# What hanoi asks of sign-on. Runs inside the container; exit code 0 means yes.
#   alive                        this instance answers
#   ready                        the database has its tables
#   create                       make it so
#   user put UNIT LOGIN NAME MAIL   add a user, or change one; the password is a line of stdin
#   user remove LOGIN            and end the user's sessions
#   user list                    login, unit, name and mail, a JSON list
# All of them can be run again at any time.
use strict;
use warnings;
use lib '/etc/lemonldap-ng';
use open qw(:std :encoding(UTF-8));
use DBI;
use Encode qw(decode_utf8);
use JSON;

my @TABLES = qw(users sessions psessions);
my $SOURCE = 'dbi:Pg:dbname=sign_on;host=database-proxy;port=6432;sslmode=verify-full;sslrootcert=/etc/lemonldap-ng/ca.crt;passfile=/etc/lemonldap-ng/pgpass;connect_timeout=5;keepalives_idle=15;keepalives_interval=5;keepalives_count=3';

sub database {
    return DBI->connect( $SOURCE, 'sign_on', undef,
        { RaiseError => 1, PrintError => 0, AutoCommit => 1, pg_enable_utf8 => 1 } );
}

sub alive {
    require IO::Socket::SSL;
    my $gateway = IO::Socket::SSL->new(
        PeerAddr => '127.0.0.1', PeerPort => 8446, Timeout => 4,
        SSL_ca_file => '/etc/lemonldap-ng/ca.crt', SSL_verifycn_name => 'localhost',
        SSL_verifycn_scheme => 'http', SSL_verify_mode => 1,
        SSL_cert_file => '/etc/lemonldap-ng/tls.crt', SSL_key_file => '/etc/lemonldap-ng/tls.key',
    ) or die "no TLS: " . IO::Socket::SSL::errstr() . "\n";
    print $gateway "GET /.well-known/openid-configuration HTTP/1.1\r\nHost: sign-on.mic.example\r\nConnection: close\r\n\r\n";
    my $line = <$gateway> // '';
    die "it answers $line\n" unless $line =~ m{^HTTP/1\.[01] 200 };
}

sub missing {
    my $database = database();
    return grep {
        !$database->selectrow_array( q{SELECT to_regclass('public.' || ?)}, undef, $_ )
    } @TABLES;
}

sub create {
    open( my $file, '<', '/etc/lemonldap-ng/tables.sql' ) or die "tables.sql: $!\n";
    local $/;
    database()->do(<$file>);
}

sub put_user {
    my ( $unit, $login, $name, $mail ) = @_;
    my $password = <STDIN> // '';
    $password =~ s/\r?\n\z//;
    die "a password has at least 12 characters\n" if length $password < 12;
    # Applications take a user of sign-on for their own user of that name.
    die "admin is every application's own first user\n" if $login eq 'admin';
    require Passwords;
    database()->do(
        q{INSERT INTO users (login, password, name, mail, unit) VALUES (?, ?, ?, ?, ?)
          ON CONFLICT (login) DO UPDATE SET password = excluded.password, name = excluded.name,
          mail = excluded.mail, unit = excluded.unit},
        undef, $login, Passwords::hashed($password), $name, $mail, $unit
    );
    leave($login);
}

sub remove_user {
    my ($login) = @_;
    my $rows = database()->do( 'DELETE FROM users WHERE login = ?', undef, $login );
    die "there is no user $login\n" if $rows == 0;
    leave($login);
}

# A user who is removed, or has another password or unit, signs on again, and without waiting for
# wrong passwords of before.
sub leave {
    my ($login) = @_;
    my $database = database();
    $database->do( q{DELETE FROM sessions WHERE a_session ->> '_whatToTrace' = ?}, undef, $login );
    $database->do( q{DELETE FROM psessions WHERE a_session ->> '_session_uid' = ?}, undef, $login );
}

sub list_users {
    my $users = database()->selectall_arrayref(
        'SELECT login, unit, name, mail FROM users ORDER BY unit, login', { Slice => {} } );
    print JSON->new->canonical->encode($users), "\n";
}

my ( $verb, @arguments ) = map { decode_utf8($_) } @ARGV;
$verb .= ' ' . shift @arguments if ( $verb // '' ) eq 'user' && @arguments;
my %verbs = (
    alive         => [ 0, \&alive ],
    ready         => [ 0, sub { die "no tables yet\n" if missing() } ],
    create        => [ 0, \&create ],
    'user put'    => [ 4, \&put_user ],
    'user remove' => [ 1, \&remove_user ],
    'user list'   => [ 0, \&list_users ],
);
my $wanted = $verbs{ $verb // '' };
die "say: alive, ready, create, user put|remove|list\n"
  unless $wanted and @arguments == $wanted->[0];
eval { $wanted->[1]->(@arguments); 1 } or do {
    my $fault = $@ || "failed\n";
    $fault =~ s/ at \S+ line \d+\..*//s;
    chomp $fault;
    # A fault of the database may quote the row, and with it a hash.
    $fault =~ s/\$y\$\S+/(hidden)/g;
    die "$fault\n";
};
