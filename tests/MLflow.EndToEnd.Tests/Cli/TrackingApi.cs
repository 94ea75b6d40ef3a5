using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace MLflow.EndToEnd.Tests.Cli;

/// <summary>MLflow's REST interface as a client uses it.</summary>
internal sealed class TrackingApi(Uri server) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = server };

    public void Dispose() => _http.Dispose();

    public async Task<JsonArray> SearchAsync(string experiment, CancellationToken cancellationToken)
    {
        var id = (await GetAsync("api/2.0/mlflow/experiments/get-by-name?experiment_name=" + Uri.EscapeDataString(experiment), cancellationToken))["experiment"]!["experiment_id"]!.GetValue<string>();
        var body = $$$"""{"locations":[{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"{{{id}}}"}}],"order_by":["timestamp_ms ASC"]}""";
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using var response = await _http.PostAsync(new Uri("api/3.0/mlflow/traces/search", UriKind.Relative), content, cancellationToken);
        response.EnsureSuccessStatusCode();
        var answer = await response.Content.ReadFromJsonAsync<JsonNode>(cancellationToken);
        return answer!["traces"] as JsonArray ?? [];
    }

    /// <summary>The spans of a trace: root first, then by start time.</summary>
    public async Task<JsonArray> SpansAsync(string traceId, CancellationToken cancellationToken) =>
        (await GetAsync($"api/3.0/mlflow/traces/get?trace_id={traceId}&allow_partial=false", cancellationToken))["trace"]!["spans"]!.AsArray();

    /// <summary>A span's attribute that is a string.</summary>
    public static string? Attribute(JsonNode span, string key) =>
        span["attributes"]!.AsArray().FirstOrDefault(attribute => attribute!["key"]!.GetValue<string>() == key)?["value"]?["string_value"]?.GetValue<string>();

    private async Task<JsonNode> GetAsync(string path, CancellationToken cancellationToken)
    {
        using var response = await _http.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonNode>(cancellationToken))!;
    }
}
