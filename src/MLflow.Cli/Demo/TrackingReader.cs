using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace MLflow.Cli.Demo;

/// <summary>Reads traces over MLflow's REST interface, as any client does.</summary>
internal sealed class TrackingReader(Uri server) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = server };

    public void Dispose() => _http.Dispose();

    /// <summary>The newest traces of an experiment, 100 at most.</summary>
    public async Task<IReadOnlyList<StoredTrace>> SearchAsync(string experiment, CancellationToken cancellationToken)
    {
        var found = await GetAsync("api/2.0/mlflow/experiments/get-by-name?experiment_name=" + Uri.EscapeDataString(experiment), cancellationToken);
        var request = new JsonObject
        {
            ["locations"] = new JsonArray(new JsonObject
            {
                ["type"] = "MLFLOW_EXPERIMENT",
                ["mlflow_experiment"] = new JsonObject { ["experiment_id"] = found["experiment"]!["experiment_id"]!.GetValue<string>() },
            }),
            ["max_results"] = 100,
            ["order_by"] = new JsonArray("timestamp_ms DESC"),
        };
        using var response = await _http.PostAsJsonAsync("api/3.0/mlflow/traces/search", request, cancellationToken);
        var answer = await ReadAsync(response, cancellationToken);
        return [.. (answer["traces"] as JsonArray ?? []).Select(trace => Stored(trace!))];
    }

    public async Task<int> CountSpansAsync(string traceId, CancellationToken cancellationToken)
    {
        var answer = await GetAsync($"api/3.0/mlflow/traces/get?trace_id={traceId}&allow_partial=false", cancellationToken);
        return answer["trace"]?["spans"]?.AsArray().Count ?? 0;
    }

    private async Task<JsonNode> GetAsync(string path, CancellationToken cancellationToken)
    {
        using var response = await _http.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
        return await ReadAsync(response, cancellationToken);
    }

    private static async Task<JsonNode> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<JsonNode>(cancellationToken) ?? throw new HttpRequestException("The tracking server answered null.");
    }

    private static StoredTrace Stored(JsonNode trace)
    {
        var usage = trace["trace_metadata"]?["mlflow.trace.tokenUsage"]?.GetValue<string>();
        return new StoredTrace(
            trace["trace_id"]!.GetValue<string>(),
            trace["tags"]?["mlflow.traceName"]?.GetValue<string>() ?? "",
            trace["state"]?.GetValue<string>() ?? "",
            trace["execution_duration"]?.GetValue<string>() ?? "",
            usage is null ? null : JsonNode.Parse(usage)?["total_tokens"]?.GetValue<long>());
    }
}
