# The product, built from source: the page is built by build.rs with Node.js, and is inside the program.
FROM node:22.21.1-bookworm-slim AS node

FROM rust:1.95.0-bookworm AS build
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin sysmonsearch && strip target/release/sysmonsearch

FROM debian:12.12-slim
# User 1000 is who Elasticsearch runs as in its image too: both read the same secret, which has to be for one user only.
# curl asks the program for its health; certificates are for clusters behind TLS, and for webhooks.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 1000 --home-dir /data --shell /usr/sbin/nologin sysmonsearch \
 && install -d -o sysmonsearch -m 700 /data
COPY --from=build /src/target/release/sysmonsearch /usr/local/bin/sysmonsearch
USER sysmonsearch
# Uploads that wait, and the name of this installation. On a cluster everything else lies there.
VOLUME /data
ENV SYSMONSEARCH_DATA=/data SYSMONSEARCH_LISTEN=0.0.0.0:8410
EXPOSE 8410
STOPSIGNAL SIGTERM
ENTRYPOINT ["sysmonsearch"]
CMD ["serve"]
