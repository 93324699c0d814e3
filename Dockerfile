# elmemory with all it needs for SQLite and PostgreSQL: docker build -t elmemory .
# Everything it keeps is in /data; the root file system may be read-only. docs/production.md says how to run it.

# python:3.13-slim. `docker buildx imagetools inspect python:3.13-slim` shows the digest of a newer one.
ARG PYTHON=python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

FROM ${PYTHON} AS build
WORKDIR /src
RUN python -m venv /opt/elmemory
COPY requirements.txt requirements-dev.txt ./
RUN sed -n '/^psycopg/,/# via/p' requirements-dev.txt > requirements-postgres.txt \
 && /opt/elmemory/bin/pip install --no-cache-dir --require-hashes -r requirements.txt -r requirements-postgres.txt
COPY pyproject.toml README.md LICENSE .env.example ./
COPY elmemory elmemory
COPY webhooks webhooks
COPY conversations conversations
COPY templates templates
RUN /opt/elmemory/bin/pip install --no-cache-dir --no-deps .

FROM ${PYTHON}
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /data elmemory \
 && install -d -o elmemory -g elmemory -m 700 /data
COPY --from=build /opt/elmemory /opt/elmemory
ENV PATH=/opt/elmemory/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ELMEMORY_ENV_FILE= \
    PAYLOAD_STORAGE_PATH=/data/payloads \
    DATABASE_URL=/data/elmemory.sqlite3 \
    INDEX_DATABASE_URL=/data/index.sqlite3 \
    OPENMEMORY_DB_PATH=/data/openmemory.sqlite3
WORKDIR /data
VOLUME /data
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/ring', timeout=5)"]
ENTRYPOINT ["elmemory"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
