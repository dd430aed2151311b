# Segno's workers, offline model and command in one image; docker-compose.yml and deploy/ choose the process.
#
# It runs as a user without rights, needs no writable file system but /tmp, and holds no compiler and no devDependencies.
FROM node:20.19.5-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# Without scripts: `prepare` builds, and the sources are not here yet.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build

FROM node:20.19.5-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund && npm cache clean --force

FROM node:20.19.5-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json CHANGELOG.md LICENSE ./
COPY examples ./examples
USER node
# No shell in between, so that SIGTERM reaches the worker and it can finish what it holds.
CMD ["node", "dist/workers/main.js", "--config", "segno.config.ts"]
