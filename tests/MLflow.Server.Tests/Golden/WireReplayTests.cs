using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using MLflow.Server.Tests.Rest;
using Xunit;

namespace MLflow.Server.Tests.Golden;

/// <summary>Everything that Python's and TypeScript's MLflow clients sent in the recordings, sent again to this server in the same order.</summary>
public sealed class WireReplayTests : IClassFixture<SomeServer>
{
    /// <summary>Where our answer differs from MLflow 3.6's, and why. Each must be met, or it is stale.</summary>
    private static readonly (string Path, string Reason)[] Known =
    [
        ("/trace_metadata/mlflow.trace.infoFinalized: \"true\" instead of nothing", "3.11 tells it, 3.6 did not"),
        ("/tags/mlflow.trace.spansLocation: nothing instead of \"TRACKING_STORE\"", "as in 3.11, only when spans are here: otherwise Python would not upload them"),
        ("/trace_metadata/mlflow.traceInputs", "metadata is kept whole, not cut to 250 characters"),
        ("/trace_metadata/mlflow.traceOutputs", "metadata is kept whole, not cut to 250 characters"),
        ("/trace_metadata/mlflow.trace.cost: ", "3.11 tells it, 3.6 did not"),
        ("/creation_time:", "time of the replay"),
        ("/last_update_time:", "time of the replay"),
        ("batchGet /traces/0/spans/0/attributes/mlflow.llm.model: ", "of a gen_ai span, as in 3.11"),
        ("batchGet /traces/0/spans/0/attributes/mlflow.llm.usage_buckets: ", "ours: the tokens of a gen_ai span in parts that add up"),
        ("batchGet /traces/0/spans/0/attributes/mlflow.convention: ", "ours: the stamp of the mapping"),
        ("batchGet /traces/0/spans/0/attributes/mlflow.llm.cost: ", "the cost of a gen_ai span, as in 3.11"),
        ("batchGet /traces/0/spans/0/attributes/mlflow.llm.cost_basis: ", "ours: what the cost was told from"),
        ("/attributes/exception.stacktrace/value/string_value: \"Traceback", "paths in the recorded answer were masked"),
        ("/traces.json /spans/", "TypeScript sends wrong trace ids; the right one is given back"),
    ];

    /// <summary>The shape of each answer that is JSON.</summary>
    private static readonly Dictionary<string, string> Shapes = new()
    {
        ["DELETE /api/2.0/mlflow/traces/{id}/tags"] = "nothing",
        ["DELETE /api/3.0/mlflow/traces/{id}/assessments/{id}"] = "nothing",
        ["GET /api/2.0/mlflow-artifacts/artifacts/{id}/traces/{id}/artifacts/traces.json"] = "trace data",
        ["GET /api/2.0/mlflow/experiments/get"] = "experiment answer",
        ["GET /api/2.0/mlflow/experiments/get-by-name"] = "experiment answer",
        ["GET /api/3.0/mlflow/traces/batchGet"] = "traces",
        ["GET /api/3.0/mlflow/traces/{id}"] = "info answer",
        ["GET /api/3.0/mlflow/traces/{id}/assessments/{id}"] = "assessment answer",
        ["PATCH /api/2.0/mlflow/traces/{id}/tags"] = "nothing",
        ["PATCH /api/3.0/mlflow/traces/{id}/assessments/{id}"] = "assessment answer",
        ["POST /api/2.0/mlflow/experiments/create"] = "experiment id",
        ["POST /api/2.0/mlflow/experiments/search"] = "experiments",
        ["POST /api/2.0/mlflow/traces/delete-traces"] = "deleted",
        ["POST /api/3.0/mlflow/traces"] = "info answer",
        ["POST /api/3.0/mlflow/traces/search"] = "found",
        ["POST /api/3.0/mlflow/traces/{id}/assessments"] = "assessment answer",
        ["PUT /api/2.0/mlflow-artifacts/artifacts/{id}/traces/{id}/artifacts/traces.json"] = "nothing",
    };

    private readonly Dictionary<string, string> _assessmentIds = [];
    private readonly SomeServer _server;

    public WireReplayTests(SomeServer server) => _server = server;

    [Fact]
    public async Task Replay_OfRealClients_IsAnsweredAsByTheRealServer()
    {
        if (SharedFolder.Find("golden") is not { } folder)
        {
            Assert.Skip("The recordings of real clients (folder 'shared/golden') are not here.");
            return;
        }

        var differences = new List<string>();
        var compared = 0;
        foreach (var exchange in WireExchange.ReadAll(folder))
        {
            var (status, answer) = await SendAsync(exchange);
            compared++;
            if (answer.ValueKind != JsonValueKind.Undefined)
            {
                var shape = status == 200 ? Shapes[$"{exchange.Method} {exchange.Route}"] : "error";
                Assert.Empty(WireShape.Check(answer, shape).Select(problem => $"{exchange.Name}: {problem}"));
            }

            if (status != exchange.Status)
            {
                differences.Add($"{exchange.Name} {exchange.Method} {exchange.Route}: status {status} instead of {exchange.Status}: {answer}");
            }
            else
            {
                Compare(exchange.Answer, answer, $"{exchange.Method} {exchange.Route} ", differences);
            }
        }

        Xunit.TestContext.Current.TestOutputHelper?.WriteLine($"{compared} exchanges replayed.");
        Xunit.TestContext.Current.TestOutputHelper?.WriteLine(string.Join("\n", differences.Where(d => !Known.Any(k => d.Contains(k.Path, StringComparison.Ordinal)))));
        Assert.All(differences, difference => Assert.Contains(Known, known => difference.Contains(known.Path, StringComparison.Ordinal)));
        Assert.All(Known, known => Assert.Contains(differences, difference => difference.Contains(known.Path, StringComparison.Ordinal)));
        Assert.True(compared > 100, $"only {compared} exchanges were found");
    }

    private async Task<(int Status, JsonElement Answer)> SendAsync(WireExchange exchange)
    {
        if (exchange.Route.EndsWith("experiments/create", StringComparison.Ordinal))
        {
            await EnsureExperimentAsync(long.Parse(exchange.Answer.GetProperty("experiment_id").GetString()!, CultureInfo.InvariantCulture) - 1);
        }

        foreach (var id in exchange.Experiments)
        {
            await EnsureExperimentAsync(id);
        }

        using var request = new HttpRequestMessage(new HttpMethod(exchange.Method), Ours(exchange.Path));
        if (exchange.Body is not null)
        {
            request.Content = new ByteArrayContent(exchange.Route.Contains("/assessments", StringComparison.Ordinal) ? Encoding.UTF8.GetBytes(Ours(Encoding.UTF8.GetString(exchange.Body))) : exchange.Body);
        }

        foreach (var (name, value) in exchange.Headers)
        {
            if (name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase) && request.Content is not null)
            {
                request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(value);
            }
            else if (!name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase) && !name.Equals("Host", StringComparison.OrdinalIgnoreCase))
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }

        using var response = await _server.Client.SendAsync(request);
        var text = Theirs(await response.Content.ReadAsStringAsync(), exchange);
        return ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType == "application/json" ? JsonDocument.Parse(text).RootElement : default);
    }

    /// <summary>With the ids that this server has given instead of those in the recordings.</summary>
    private string Ours(string text) => _assessmentIds.Aggregate(text, (result, id) => result.Replace(id.Key, id.Value, StringComparison.Ordinal));

    /// <summary>The other way round, once the new id of an assessment is known.</summary>
    private string Theirs(string text, WireExchange exchange)
    {
        if (exchange.Method == "POST" && exchange.Route.EndsWith("/assessments", StringComparison.Ordinal) && text.StartsWith('{'))
        {
            _assessmentIds[Id(exchange.Answer)] = Id(JsonDocument.Parse(text).RootElement);
        }

        return _assessmentIds.Aggregate(text, (result, id) => result.Replace(id.Value, id.Key, StringComparison.Ordinal));

        static string Id(JsonElement answer) => answer.GetProperty("assessment").GetProperty("assessment_id").GetString()!;
    }

    private async Task EnsureExperimentAsync(long id)
    {
        while ((await _server.GetAsync($"/api/2.0/mlflow/experiments/get?experiment_id={id}")).Status != 200)
        {
            await _server.PostAsync("/api/2.0/mlflow/experiments/create", new { name = $"filler {Guid.NewGuid()}" });
        }
    }

    private static void Compare(JsonElement expected, JsonElement actual, string path, List<string> differences)
    {
        if (expected.ValueKind != actual.ValueKind)
        {
            differences.Add($"{path}: {Short(actual)} instead of {Short(expected)}");
            return;
        }

        switch (expected.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var name in expected.EnumerateObject().Select(property => property.Name).Union(actual.EnumerateObject().Select(property => property.Name)))
                {
                    Compare(
                        expected.TryGetProperty(name, out var e) ? e : default,
                        actual.TryGetProperty(name, out var a) ? a : default,
                        $"{path}/{name}",
                        differences);
                }

                break;
            case JsonValueKind.Array when Keyed(expected) is { } ofExpected && Keyed(actual) is { } ofActual:
                foreach (var key in ofExpected.Keys.Union(ofActual.Keys))
                {
                    Compare(ofExpected.GetValueOrDefault(key), ofActual.GetValueOrDefault(key), $"{path}/{key}", differences);
                }

                break;
            case JsonValueKind.Array:
                if (expected.GetArrayLength() != actual.GetArrayLength())
                {
                    differences.Add($"{path}: {actual.GetArrayLength()} items instead of {expected.GetArrayLength()}: {Short(actual)} instead of {Short(expected)}");
                    return;
                }

                for (var i = 0; i < expected.GetArrayLength(); i++)
                {
                    Compare(expected[i], actual[i], $"{path}/{i}", differences);
                }

                break;
            default:
                if (expected.ValueKind != JsonValueKind.Undefined && expected.ToString() != actual.ToString())
                {
                    differences.Add($"{path}: {Short(actual)} instead of {Short(expected)}");
                }

                break;
        }
    }

    /// <summary>Attributes, tags and the like by their keys; null for other lists.</summary>
    private static Dictionary<string, JsonElement>? Keyed(JsonElement list) =>
        list.GetArrayLength() > 0 && list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Object && item.TryGetProperty("key", out var key) && key.ValueKind == JsonValueKind.String)
            ? list.EnumerateArray().ToDictionary(item => item.GetProperty("key").GetString()!)
            : null;

    private static string Short(JsonElement element) =>
        element.ValueKind == JsonValueKind.Undefined ? "nothing" : element.GetRawText() is { Length: > 300 } text ? text[..300] + "…" : element.GetRawText();
}
