"""Settings of one unit's Mayan EDMS. Rendered by hanoi from infra/services/mayan.py.

No secret is in here: the database's password is in pgpass, the key of sessions in secret_key.
"""

import os
from pathlib import Path

HERE = Path(__file__).parent

# Mayan reads these before it has settings. Nobody changes settings from a web page: what holds
# here is what is rendered here.
os.environ |= {
    "MAYAN_MEDIA_ROOT": "/var/lib/mayan",
    "MAYAN_STATIC_ROOT": "/opt/mayan/static",
    "MAYAN_FILE_UPLOAD_TEMP_DIR": "/var/lib/mayan-work/tmp",
    "MAYAN_CONFIGURATION_FILEPATH": os.devnull,
    "MAYAN_CONFIGURATION_FILE_IGNORE": "true",
    "MAYAN_SETTINGS_BACKUP_ENABLED": "false",
    "TMPDIR": "/var/lib/mayan-work/tmp",  # large files; /tmp is memory
}

from hanoi_base import *  # noqa: E402, F403 (it is in the image)

SECRET_KEY = (HERE / "secret_key").read_text(encoding="ascii").strip()

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "documents_tt_thong_tin",
        "USER": "documents_tt_thong_tin",
        "HOST": "database-proxy",
        "PORT": 6432,
        "OPTIONS": {
            "sslmode": "verify-full",
            "sslrootcert": str(HERE / "ca.crt"),
            "passfile": str(HERE / "pgpass"),
            "connect_timeout": 5,
            "keepalives_idle": 15,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        },
    }
}

ALLOWED_HOSTS = ["documents-tt-thong-tin", "localhost", "documents-tt-thong-tin.mic.example"]
CSRF_TRUSTED_ORIGINS = ["https://documents-tt-thong-tin.mic.example"]
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_SECURE = True
# The web server itself takes TLS only; what a client says of another host is not believed.
USE_X_FORWARDED_HOST = False
CORS_ORIGIN_ALLOW_ALL = False

LANGUAGE_CODE = "vi"
TIME_ZONE = "Asia/Ho_Chi_Minh"
DOCUMENTS_LANGUAGE = "vie"
DOCUMENTS_LANGUAGE_CODES = ("vie", "eng")  # what OCR can read here

# Valkey of this instance, by a socket in a volume that only its containers mount.
CELERY_BROKER_URL = "redis+socket:///var/lib/mayan-work/valkey.sock?virtual_host=0"
CELERY_RESULT_BACKEND = "redis+socket:///var/lib/mayan-work/valkey.sock?virtual_host=3"
LOCK_MANAGER_BACKEND = "mayan.apps.lock_manager.backends.redis_lock.RedisLock"
LOCK_MANAGER_BACKEND_ARGUMENTS = {"redis_url": "unix:///var/lib/mayan-work/valkey.sock?db=1"}
SERVER_SIDE_EVENTS_BACKEND = (
    "mayan.apps.server_side_events.sse_backends.redis.RedisServerEventStreamBackend"
)
SERVER_SIDE_EVENTS_BACKEND_ARGUMENTS = {"url": "unix:///var/lib/mayan-work/valkey.sock?db=2"}

# Sign-on, beside passwords. Every address is stated, so that this starts without the provider.
INSTALLED_APPS = [*INSTALLED_APPS, "hanoi_sign_on"]  # noqa: F405
AUTHENTICATION_BACKEND = "hanoi_sign_on.authentication_backends.AuthenticationBackendSignOn"
SIGN_ON_CLAIMS = {"unit": "tt-thong-tin"}  # what the provider must say of a user
OIDC_OP_AUTHORIZATION_ENDPOINT = "https://sign-on.mic.example/oauth2/authorize"
OIDC_OP_TOKEN_ENDPOINT = "https://sign-on.mic.example/oauth2/token"
OIDC_OP_USER_ENDPOINT = "https://sign-on.mic.example/oauth2/userinfo"
OIDC_OP_JWKS_ENDPOINT = "https://sign-on.mic.example/oauth2/jwks"
OIDC_RP_CLIENT_ID = "documents-tt-thong-tin"
OIDC_RP_CLIENT_SECRET = (HERE / "client_secret").read_text(encoding="ascii").strip()
OIDC_RP_SCOPES = "openid profile email"
OIDC_RP_SIGN_ALGO = "RS256"
OIDC_USE_PKCE = True
OIDC_TOKEN_USE_BASIC_AUTH = True
OIDC_VERIFY_SSL = str(HERE / "ca.crt")
OIDC_TIMEOUT = 10
# Now and then it is asked whether who signed on still may. Nobody notices while the session at the
# provider lasts; after it the provider asks for the password, which "none" would forbid.
OIDC_AUTH_REQUEST_EXTRA_PARAMS = {"prompt": ""}
OIDC_RENEW_ID_TOKEN_EXPIRY_SECONDS = 3600
# Whoever logs out is asked at the provider whether to leave everything.
LOGOUT_REDIRECT_URL = "https://sign-on.mic.example/oauth2/logout?post_logout_redirect_uri=https://documents-tt-thong-tin.mic.example/"
