# The bot only: Redis is a separate service, see compose.yml. The second stage is the image; it copies two folders from
# the first, which has pip and the build tools.
FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src

# Dependencies, from the lock. They are byte-compiled here, because the image is read-only. Tests and C sources are 27 MB
# that nothing uses.
COPY requirements/image.txt requirements/build.txt requirements/
RUN python -m venv --without-pip /opt/footnoted \
    && pip --python /opt/footnoted/bin/python install --require-hashes --no-deps --no-compile -r requirements/image.txt \
    && find /opt/footnoted -type d '(' -name test -o -name tests ')' -prune -exec rm -r '{}' + \
    && find /opt/footnoted -type f '(' -name '*.c' -o -name '*.cpp' -o -name '*.h' -o -name '*.pyx' ')' -delete \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/footnoted/lib
RUN pip install --require-hashes --no-deps -r requirements/build.txt

# The program comes last, into a separate folder, so that changing it keeps the layer above cached.
COPY pyproject.toml README.md ./
COPY docs docs
COPY core core
COPY adapters adapters
COPY bot bot
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && pip --python /opt/footnoted/bin/python install --no-deps --no-compile --no-index --prefix /opt/program /wheels/*.whl \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/program/lib

FROM python:3.11-slim
RUN groupadd --gid 10001 footnoted \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin footnoted
COPY --from=build /opt/footnoted /opt/footnoted
COPY --from=build /opt/program /opt/footnoted

# Only /tmp is written to, and may be a tmpfs; without it, tokens are estimated instead of counted. wordllama needs a HOME
# at import, although it writes nothing there.
ENV PATH=/opt/footnoted/bin:$PATH HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    WEB_HOST=0.0.0.0 WEB_PORT=8080
# .env and footnoted.toml are read from here.
WORKDIR /srv/footnoted
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-Ic", "from os import environ as e; from urllib.request import urlopen as u; u('http://127.0.0.1:' + e['WEB_PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["footnoted"]
CMD ["serve"]
