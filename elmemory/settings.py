"""Settings, from the environment, else from `.env`. Each variable is described in `.env.example`."""

import re
import secrets
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from django.utils.csp import CSP

from elmemory.environment.databases import OVERWRITE
from elmemory.environment.env import BASE_DIR, Environment, dotenv_path
from elmemory.logs import LOG_LEVELS, logging_settings

env = Environment(dotenv_path())

# The project's own

PORT = env.integer("PORT", 8000, least=1, most=65535)
PUBLIC_URL = env.origin("PUBLIC_URL", "https://memory.example.com")

ELEVENLABS_API_KEY = env.key("ELEVENLABS_API_KEY")
ELEVENLABS_BASE_URL = env.address("ELEVENLABS_BASE_URL", "https://api.elevenlabs.io")
BACKFILL_EVERY = env.integer("BACKFILL_EVERY", 0, most=7 * 24 * 60)
# Of several keys, all are accepted and the first is sent.
ELEVENLABS_CLIENT_DATA_KEYS = env.keys("ELEVENLABS_CLIENT_DATA_KEY")
ELEVENLABS_SEARCH_DATA_KEYS = env.keys("ELEVENLABS_SEARCH_DATA_KEY")
ELEVENLABS_POST_CALL_KEYS = env.keys("ELEVENLABS_POST_CALL_KEY")

NGROK_AUTHTOKEN = env.key("NGROK_AUTHTOKEN")
METRICS_KEYS = env.keys("METRICS_KEY")

OPENMEMORY_KEY = env.key("OPENMEMORY_KEY")
OPENMEMORY_PORT = env.text("OPENMEMORY_PORT")
OPENMEMORY_CLIENT = env.text("OPENMEMORY_CLIENT").lower()

PAYLOAD_STORAGE_PATH: Path = env.path("PAYLOAD_STORAGE_PATH", "data/payloads")
MAX_PAYLOAD_MB = env.integer("MAX_PAYLOAD_MB", 256, least=1, most=4096)
MIN_FREE_MB = env.integer("MIN_FREE_MB", 64)
POST_CALL_TOLERANCE = env.integer("POST_CALL_TOLERANCE", 1800, least=1)

DEFAULT_REGION = env.text("DEFAULT_REGION").upper()
AGENT_NUMBERS = env.texts("AGENT_NUMBERS")
NOT_CALLERS = env.texts("NOT_CALLERS")
TRUSTED_SIP_HOSTS = env.texts("TRUSTED_SIP_HOSTS")
SEPARATE_SPELLINGS = [region.upper() for region in env.texts("SEPARATE_SPELLINGS")]
GREETING = env.text("GREETING", "Welcome back, {name}! How can I help you today?")
GREETINGS = env.texts_by_name("GREETINGS", '{"de": "Hallo {name}!"}')
LANGUAGE = env.language("LANGUAGE", "en")
OVERRIDE_LANGUAGE = env.flag("OVERRIDE_LANGUAGE", default=False)
SEND_USER_ID = env.one_of("SEND_USER_ID", ("off", "number", "reference"), "off", "Write off, number or reference.")
DYNAMIC_VARIABLES = env.json_object("DYNAMIC_VARIABLES", '{"plan": "basic"}')
SPOKEN_FACTS = env.texts("SPOKEN_FACTS")
SEARCHABLE_FACTS = env.texts("SEARCHABLE_FACTS")
EMBEDDINGS = env.one_of("EMBEDDINGS", ("auto", "off"), "auto", "Write auto or off.")
REDACT = env.texts("REDACT")
REDACT_PATTERNS = env.json_object("REDACT_PATTERNS", '{"policy": "AC-[0-9]{6}"}')
OPT_OUT_FIELD = env.text("OPT_OUT_FIELD", "do_not_remember")
STORE_OPTED_OUT = env.one_of("STORE_OPTED_OUT", ("all", "metadata", "none"), "all", "Write all, metadata or none.")
# In days; with 0, nothing is removed.
RETAIN_AUDIO_DAYS = env.integer("RETAIN_AUDIO_DAYS", 0, most=36_500)
RETAIN_PAYLOAD_DAYS = env.integer("RETAIN_PAYLOAD_DAYS", 0, most=36_500)
RETAIN_UNREADABLE_DAYS = env.integer("RETAIN_UNREADABLE_DAYS", 0, most=36_500)
RETAIN_MEMORY_DAYS = env.integer("RETAIN_MEMORY_DAYS", 0, most=36_500)
RETAIN_AUDIT_DAYS = env.integer("RETAIN_AUDIT_DAYS", 0, most=36_500)
HONOUR_DELETION_SETTINGS = env.flag("HONOUR_DELETION_SETTINGS", default=False)
RING_DEADLINE_MS = env.integer("RING_DEADLINE_MS", 800, least=1, most=60_000)
SEARCH_DEADLINE_MS = env.integer("SEARCH_DEADLINE_MS", 1500, least=1, most=60_000)

# Django's

DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.key("SECRET_KEY")
SECRET_KEY_IS_GIVEN = bool(SECRET_KEY)
# Commands work without it. The system checks report it, and in production the server does not start.
SECRET_KEY = SECRET_KEY or secrets.token_urlsafe(50)
# Former values. Sessions, and summaries of closed audit entries, that were signed with them stay valid.
SECRET_KEY_FALLBACKS = env.keys("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *env.host_patterns("ALLOWED_HOSTS")]
# Proxies on other machines. Only they, and proxies on this machine, may name the client of a request.
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
TIME_ZONE = env.one_of("TIME_ZONE", available_timezones(), "UTC", "Write a name such as Europe/Berlin.")
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("es", "Español"), ("fr", "Français")]
LOCALE_PATHS = [Path(__file__).with_name("locale")]
USE_TZ = True
FORMAT_MODULE_PATH = "elmemory.formats"

if PUBLIC_URL:
    # Without the port; an IPv6 address keeps its brackets.
    ALLOWED_HOSTS.append(re.sub(r":[0-9]+$", "", urlsplit(PUBLIC_URL).netloc))
    CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
if PUBLIC_URL.startswith("https://"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
# TLS ends at the proxy, which redirects; subdomains may belong to other services.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]

ROOT_URLCONF = "elmemory.urls"
ASGI_APPLICATION = "elmemory.asgi.application"
STATIC_URL = "/static/"

INSTALLED_APPS = [
    "elmemory.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "ninja",
    "elmemory",
    "elmemory.agents",
    "elmemory.doctor",
    "elmemory.memory.openmemory.embedded",
    "conversations",
    "webhooks",
    "webhooks.simulator",
    "elmemory.searches",
    "elmemory.audit",  # last: its roles refer to the permissions of the other apps
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "elmemory.localization.LocalizationMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "elmemory.login.SessionLimits",
    "elmemory.audit.watch.AuditMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates", Path(__file__).with_name("templates")],  # the second: installed
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF, "data:"],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(hours=1)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # failures during a lockout do not extend it
# User and address together: a stranger's failures do not lock staff out at other addresses.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "elmemory.audit.record.request_address"
AXES_LOCKOUT_TEMPLATE = "admin/locked.html"
AXES_DISABLE_ACCESS_LOG = True  # the audit log has the logins
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "otp_token"]
REQUIRE_2FA = env.flag("REQUIRE_2FA", default=False)
OTP_TOTP_ISSUER = "elmemory"
OTP_ADMIN_HIDE_SENSITIVE_DATA = True
SESSION_COOKIE_AGE = 3600  # idle; elmemory.login ends sessions after eight hours in any case
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]

DATABASES = {
    "default": env.database("DATABASE_URL", "data/elmemory.sqlite3"),
    "index": env.database("INDEX_DATABASE_URL", "data/index.sqlite3"),
    "memory": env.database("OPENMEMORY_DB_PATH", "data/openmemory.sqlite3"),
}
if "init_command" in DATABASES["memory"].get("OPTIONS", {}):
    # A receipt says that its memories are stored: they must be as durable as the receipt.
    DATABASES["memory"]["OPTIONS"]["init_command"] = f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {OVERWRITE}"
if "init_command" in DATABASES["index"].get("OPTIONS", {}):
    # Processes map the file beside a database in WAL mode: if it is corrupt, so is the server's memory. The index need
    # not be durable: it is rebuilt from the files.
    DATABASES["index"]["OPTIONS"]["init_command"] = f"PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=OFF; {OVERWRITE}"
DATABASE_ROUTERS = ["elmemory.routers.Router"]

LOG_LEVEL = env.one_of("LOG_LEVEL", LOG_LEVELS, "INFO", f"Write one of {', '.join(LOG_LEVELS)}.")
LOG_JSON = env.flag("LOG_JSON", default=False)
LOGGING = logging_settings(LOG_LEVEL, as_json=LOG_JSON)
LOGGING_CONFIG = "elmemory.logs.configure"

ENVIRONMENT_FAULTS = env.faults
ENVIRONMENT_NAMES = env.names
