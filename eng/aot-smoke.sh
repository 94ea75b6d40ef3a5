#!/usr/bin/env bash
# Publishes tests/MLflow.AotSmoke as a native binary (trim and AOT warnings are errors) and runs it.
set -euo pipefail
cd "$(dirname "$0")/.."
dotnet publish tests/MLflow.AotSmoke -c Release -r linux-x64
artifacts/publish/MLflow.AotSmoke/release_linux-x64/MLflow.AotSmoke
