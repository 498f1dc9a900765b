# One image for the controller, the receiver and the pods that import: one static binary, and nothing else.
#   docker build -t REGISTRY/gitlab-connector:0.1.0 .
# Any image with this Rust, a C compiler and a CA bundle can build it: --build-arg BUILDER=…
ARG BUILDER=rust:1.95-bookworm

FROM ${BUILDER} AS build
WORKDIR /source
COPY . .
# `release` builds in a third of the time, for trying things out.
ARG PROFILE=dist
# The explicit target keeps the flag away from build scripts and procedural macros, which must stay dynamic.
RUN target="$(rustc -vV | sed -n 's/^host: //p')" \
 && RUSTFLAGS="-C target-feature=+crt-static" cargo build --locked --profile "$PROFILE" --target "$target" --bin gitlab-connector \
 && install -D "target/$target/$PROFILE/gitlab-connector" /image/gitlab-connector \
 && install -D -m 644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt

FROM scratch
COPY --from=build /image/ /
USER 65532:65532
ENTRYPOINT ["/gitlab-connector"]
LABEL org.opencontainers.image.title="gitlab-connector" \
      org.opencontainers.image.description="Connects GitLab to a database you own: merge requests, reviews and repositories, kept fresh" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
