#!/usr/bin/env bash
# Runs the tests: eng/test.sh, or only some projects: eng/test.sh MLflow.Sdk.Tests …
# eng/test.sh MLflow.OpenAIVersions.Tests is the matrix of versions of the OpenAI package.
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

# One suite runs against each of them, and then against the one of Directory.Packages.props.
openai_versions=(2.1.0 2.10.0 2.13.0 2.14.0)

results=artifacts/test-results
mkdir -p "$results"
passed=0 failed=0 skipped=0 failures=()

# A number from the head of an xunit report: <assembly … total="3" passed="2" …>.
count() { grep -o -m 1 '<assembly [^>]*>' "$1" | grep -oP " $2=\"\K[0-9]+" || echo missing; }

# Failed tests, the slowest first: what hung is what made the others fail. Names are as in the report, &quot; for a quotation mark.
failed_tests() { grep -oP '<test [^>]*? name="\K[^"]*" result="Fail" time="[^"]*' "$1" | sed -E 's/(.*)" result="Fail" time="(.*)/\2 s \1/' | sort -rn | cut -c 1-300 || true; }

# Builds and runs one project; with a second argument, against that version of the OpenAI package.
run() {
  local project="$1" version="${2:-}" name="$1${2:+ (OpenAI $2)}" report="$results/$1${2:+-$2}.xml" options=() started=$SECONDS
  [ -z "$version" ] || options=("-p:OpenAIVersion=$version")
  echo
  echo "== $name"
  rm -f "$report"

  # The whole solution is not built at once: a project that does not compile must not keep the others from being tested.
  if ! dotnet build "tests/$project" -c Release -v quiet "${options[@]}" </dev/null; then
    echo "$name: does not build" >&2
    failed=$((failed + 1))
    return
  fi

  # A project that hangs is ended, and then has no report.
  local exit_code=0
  dotnet test --project "tests/$project" -c Release --no-build --no-progress --timeout 20m "${options[@]}" \
    --results-directory "$results" --report-xunit-xml --report-xunit-xml-filename "$(basename "$report")" </dev/null || exit_code=$?

  # The report is written when a run has come to its end. None, or a broken one, means that the process died.
  if [ ! -s "$report" ] || [[ "$(count "$report" passed)$(count "$report" failed)$(count "$report" skipped)$(count "$report" errors)" == *missing* ]]; then
    echo "$name: ended with exit code $exit_code and without a report" >&2
    failed=$((failed + 1))
    return
  fi

  local project_failed=$(($(count "$report" failed) + $(count "$report" errors)))
  if [ "$exit_code" -ne 0 ] && [ "$project_failed" -eq 0 ]; then
    echo "$name: ended with exit code $exit_code although no test failed" >&2
    project_failed=1
  fi
  local test
  while IFS= read -r test; do
    failures+=("$name: $test")
  done < <(failed_tests "$report")
  echo "$name: $(count "$report" passed) passed, $project_failed failed, $(count "$report" skipped) skipped, $((SECONDS - started)) s"
  passed=$((passed + $(count "$report" passed)))
  failed=$((failed + project_failed))
  skipped=$((skipped + $(count "$report" skipped)))
}

for project in "${projects[@]}"; do
  if [ "$project" = MLflow.OpenAIVersions.Tests ]; then
    for version in "${openai_versions[@]}"; do
      run "$project" "$version"
    done
  fi
  run "$project"
done

if [ "${#failures[@]}" -gt 0 ]; then
  echo
  echo "Failed:"
  printf '  %s\n' "${failures[@]:0:50}"
fi

echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
