# pghost without a database of its own: docker-compose.yml brings one. Two stages, so that the
# image holds no compiler. The packages are those of packages.txt, by its sections.
FROM debian:12-slim AS build
WORKDIR /source
COPY bootstrap packages.txt ./
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $(./bootstrap packages build) \
 && rm -rf /var/lib/apt/lists/* \
 && ./bootstrap packages run > /run-packages
COPY CMakeLists.txt CMakePresets.json ./
COPY bindings bindings
COPY host host
COPY scripts scripts
COPY sql sql
RUN cmake --preset release -DCMAKE_INSTALL_PREFIX=/usr/local \
 && cmake --build --preset release \
 && cmake --install build --strip

FROM debian:12-slim
COPY --from=build /run-packages /run-packages
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive xargs -a /run-packages apt-get install -y --no-install-recommends \
 && rm -rf /var/lib/apt/lists/* /run-packages \
 && useradd --create-home --uid 10001 pghost
COPY --from=build /usr/local /usr/local
WORKDIR /pipeline
COPY scripts scripts
COPY sql sql
USER pghost
ENV LANG=C.UTF-8
# Healthy: the database that the environment names answers. Docker reserves all codes but 0 and 1.
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s CMD pghost query --quiet "SELECT 1" || exit 1
ENTRYPOINT ["pghost"]
CMD ["scripts/pipeline.lua"]
