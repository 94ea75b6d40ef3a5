#!/usr/bin/env bash
# Runs the tests: eng/test.sh, or only some projects: eng/test.sh MLflow.Sdk.Tests …
# Needs the .NET SDK alone; eng/setup.sh brings the rest. The last line is "N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_NOLOGO=true DOTNET_CLI_TELEMETRY_OPTOUT=true

eng/setup.sh

projects=("$@")
if [ "${#projects[@]}" -eq 0 ]; then
  for file in tests/*/*.Tests.csproj; do
    projects+=("$(basename "$file" .csproj)")
  done
fi

results=artifacts/test-results
mkdir -p "$results"
passed=0 failed=0 skipped=0

# A number from the head of an xunit report: <assembly … total="3" passed="2" …>.
count() { grep -o -m 1 '<assembly [^>]*>' "$1" | grep -oP " $2=\"\K[0-9]+" || echo missing; }

for project in "${projects[@]}"; do
  echo
  echo "== $project"
  report="$results/$project.xml"
  rm -f "$report"

  # The whole solution is not built at once: a project that does not compile must not keep the others from being tested.
  if ! dotnet build "tests/$project" -c Release -v quiet </dev/null; then
    echo "$project: does not build" >&2
    failed=$((failed + 1))
    continue
  fi

  # A project that hangs is ended, and then has no report.
  exit_code=0
  dotnet test --project "tests/$project" -c Release --no-build --no-progress --timeout 20m \
    --results-directory "$results" --report-xunit-xml --report-xunit-xml-filename "$project.xml" </dev/null || exit_code=$?

  # The report is written when a run has come to its end. None, or a broken one, means that the process died.
  if [ ! -s "$report" ] || [[ "$(count "$report" passed)$(count "$report" failed)$(count "$report" skipped)$(count "$report" errors)" == *missing* ]]; then
    echo "$project: ended with exit code $exit_code and without a report" >&2
    failed=$((failed + 1))
    continue
  fi

  project_failed=$(($(count "$report" failed) + $(count "$report" errors)))
  if [ "$exit_code" -ne 0 ] && [ "$project_failed" -eq 0 ]; then
    echo "$project: ended with exit code $exit_code although no test failed" >&2
    project_failed=1
  fi
  echo "$project: $(count "$report" passed) passed, $project_failed failed, $(count "$report" skipped) skipped"
  passed=$((passed + $(count "$report" passed)))
  failed=$((failed + project_failed))
  skipped=$((skipped + $(count "$report" skipped)))
done

echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
