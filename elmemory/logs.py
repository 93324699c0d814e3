"""Logging through structlog, for this project, Django and uvicorn."""

import logging.config
from typing import Any

import structlog

LOG_LEVELS = "DEBUG", "INFO", "WARNING", "ERROR"

_SHARED = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso"),
)


class ErrorCount(logging.Handler):
    """Counts what this process logs as an error, for /metrics."""

    total = 0

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002
        ErrorCount.total += 1


def logging_settings(level: str, *, as_json: bool) -> dict[str, Any]:
    """Return a dictionary for `logging.config`: lines in JSON, or plain ones for people."""
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structlog": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    renderer,
                ],
                "foreign_pre_chain": _SHARED,
            }
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "structlog"},
            "count": {"class": "elmemory.logs.ErrorCount", "level": "ERROR"},
        },
        "root": {"handlers": ["stderr", "count"], "level": level},
        "loggers": {
            # The endpoints log refused requests; Django would log them again, with the path.
            "django.request": {"level": "ERROR"},
            # django-axes logs each failed login with the browser's user agent; the audit log records them already.
            "axes": {"level": "ERROR"},
            "httpx": {"level": "WARNING"},
            "httpx2": {"level": "WARNING"},
            "uvicorn.access": {"level": "WARNING"},
        },
    }


def configure(settings: dict[str, Any]) -> None:
    logging.config.dictConfig(settings)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
