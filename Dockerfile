# The worker, beat, and the receiver that the compose file's demo posts to.
#
#   docker build -t celeriac .                    the worker
#   docker build -t celeriac-beat --target beat .
FROM debian:trixie-slim AS build
WORKDIR /src
COPY scripts/install-dependencies scripts/
RUN scripts/install-dependencies --build
COPY . .
RUN cmake --preset release -DCELERIAC_TESTS=OFF -DCELERIAC_EXAMPLES=OFF
RUN cmake --build --preset release --target celeriac && strip build/release/celeriac

FROM debian:trixie-slim AS python
COPY scripts/install-dependencies /tmp/
RUN /tmp/install-dependencies --python && rm -rf /tmp/install-dependencies /var/lib/apt/lists/*
RUN useradd --uid 10001 --create-home --home-dir /var/lib/celeriac --shell /usr/sbin/nologin celeriac

FROM python AS beat
COPY python_beat/requirements.txt /opt/beat/
RUN python3 -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir -r /opt/beat/requirements.txt
COPY python_beat/*.py /opt/beat/
WORKDIR /opt/beat
USER celeriac
# Its schedule file is in /var/lib/celeriac: mount a volume there.
ENTRYPOINT ["/opt/venv/bin/celery", "-A", "beat", "beat"]
CMD ["--loglevel", "info", "--schedule", "/var/lib/celeriac/schedule", "--pidfile="]

FROM python AS receiver
COPY tests/support /opt/receiver/support
COPY deploy/demo /opt/receiver/demo
WORKDIR /opt/receiver
USER celeriac
ENTRYPOINT ["python3", "-m", "support.fake_channels"]
CMD ["--host", "0.0.0.0", "--port", "9000"]

FROM debian:trixie-slim AS worker
COPY scripts/install-dependencies /tmp/
RUN /tmp/install-dependencies --runtime && rm -rf /tmp/install-dependencies /var/lib/apt/lists/*
RUN useradd --uid 10001 --create-home --home-dir /var/lib/celeriac --shell /usr/sbin/nologin celeriac
COPY --from=build /src/build/release/celeriac /usr/local/bin/
WORKDIR /var/lib/celeriac
USER celeriac
# The worker handles TERM itself, also as process 1.
ENTRYPOINT ["celeriac"]
CMD ["worker", "--loglevel", "info"]
