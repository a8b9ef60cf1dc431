# Antiphon in Debian 12, on nothing but what the program needs.
#
#   docker build -t antiphon .
#   docker run --rm -v "$PWD:/work" antiphon synth --out data/quick --pairs 40 --seconds 4
#   docker run --rm -v "$PWD:/work" antiphon train /usr/share/antiphon/configs/quick.json --out runs/quick
#
# The image is built for any x86-64 processor, from the Debian packages. On a machine with other users, add
# --user "$(id -u):$(id -g)", so that what is written is yours. Ctrl-C saves: give --init or -it.

FROM debian:12-slim AS build
WORKDIR /src
COPY scripts/packages.sh scripts/packages.sh
RUN . scripts/packages.sh && apt-get update -qq && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $ANTIPHON_PACKAGES libc6-dev
COPY . .
RUN cmake --preset package && cmake --build --preset package && \
    cpack -G DEB --config build-package/CPackConfig.cmake -B /packages && rm /packages/libantiphon-dev_*.deb

FROM debian:12-slim
COPY --from=build /packages/*.deb /packages/
RUN apt-get update -qq && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ca-certificates /packages/*.deb && \
    rm -rf /packages /var/lib/apt/lists/*
WORKDIR /work
STOPSIGNAL SIGINT
ENTRYPOINT ["antiphon"]
CMD ["--help"]
