# The bot alone: its Redis is a service of its own, see compose.yml. Of the first stage, with pip and its build tools,
# nothing stays but two folders; the second is the image.
FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src

# What the program needs, from the lock. It is compiled here, once: in the image nobody may write. Tests, and sources of
# what is compiled to machine code, are 27 MB that nothing reads.
COPY requirements/image.txt requirements/build.txt requirements/
RUN python -m venv --without-pip /opt/footnoted \
    && pip --python /opt/footnoted/bin/python install --require-hashes --no-deps --no-compile -r requirements/image.txt \
    && find /opt/footnoted -type d '(' -name test -o -name tests ')' -prune -exec rm -r '{}' + \
    && find /opt/footnoted -type f '(' -name '*.c' -o -name '*.cpp' -o -name '*.h' -o -name '*.pyx' ')' -delete \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/footnoted/lib
RUN pip install --require-hashes --no-deps -r requirements/build.txt

# The program itself comes last, into a folder of its own: a change of it leaves the layer above as it is.
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

# Only /tmp is ever written to, and that may be memory; without it, tokens are estimated instead of counted. A home there
# must be for wordllama, which asks for one although it writes nothing, also where the user has no name.
ENV PATH=/opt/footnoted/bin:$PATH HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    WEB_HOST=0.0.0.0 WEB_PORT=8080
# Here .env and footnoted.toml are looked for.
WORKDIR /srv/footnoted
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-Ic", "from os import environ as e; from urllib.request import urlopen as u; u('http://127.0.0.1:' + e['WEB_PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["footnoted"]
CMD ["serve"]
