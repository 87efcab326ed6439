# The controller's image. The base image is an argument without a default: pin it by a digest that you looked up, such
# as with `docker buildx imagetools inspect node:24-bookworm-slim`, and build with
#   docker build --build-arg NODE_IMAGE=node:24-bookworm-slim@sha256:<digest> --tag <registry>/fairlead:0.1.0 .
ARG NODE_IMAGE

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
COPY scripts/ scripts/
RUN npm ci
COPY crds/ crds/
COPY analysis/ analysis/
COPY mesh/ mesh/
COPY gitops/ gitops/
COPY controller/ controller/
COPY playground/ playground/
COPY cli/ cli/
RUN npm run build

FROM ${NODE_IMAGE}
# GitSyncs call git, over ssh too; each Git command runs under setsid, which is in util-linux. ssh refuses a user whom
# /etc/passwd doesn't know.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git openssh-client util-linux \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 65532 fairlead \
    && useradd --uid 65532 --gid 65532 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin fairlead
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/dist/ dist/
USER 65532:65532
EXPOSE 8080
# Small young generations keep the resident memory of an idle controller low.
ENTRYPOINT ["node", "--max-semi-space-size=2", "dist/main.js"]
CMD ["controller"]
