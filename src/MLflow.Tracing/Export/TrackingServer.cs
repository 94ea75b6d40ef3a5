using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace MLflow;

/// <summary>One tracking server, as the exporter speaks to it. What was learned of it (version, experiment ids) is kept.</summary>
internal sealed class TrackingServer
{
    private const int GzipThreshold = 1024;
    private static readonly TimeSpan VersionTimeout = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(30);
    private static readonly Version FirstWithOtlp = new(3, 4);
    private static readonly Version FirstWithGzip = new(3, 8);

    private readonly HttpClient _http;
    private readonly string _base;
    private readonly TimeProvider _timeProvider;

    // Bounded by the names that the program sets.
    private readonly Dictionary<string, string> _experimentIds = [];
    private Version? _version;

    public TrackingServer(HttpClient http, Uri address, TimeProvider timeProvider)
    {
        _http = http;
        _base = address.ToString().TrimEnd('/');
        _timeProvider = timeProvider;
    }

    public bool TakesOtlp => _version >= FirstWithOtlp;

    /// <summary>Asks once who is there. Nothing is sent to what does not answer as an MLflow server: port 5000 is also Kestrel's own.</summary>
    public async Task<ExportOutcome> ConnectAsync(CancellationToken cancellationToken)
    {
        if (_version is not null)
        {
            return ExportOutcome.Sent;
        }

        var (outcome, body) = await SendAsync(HttpMethod.Get, "/version", null, VersionTimeout, cancellationToken).ConfigureAwait(false);
        if (outcome.IsSent && ParseVersion(body) is { } version)
        {
            _version = version;
            return outcome;
        }

        return ExportOutcome.Postpone(outcome is { IsSent: false }
            ? $"no MLflow server answers at {_base} ({outcome.Postponed ?? outcome.GivenUp})"
            : $"what answers at {_base} is not an MLflow server");
    }

    /// <summary>Finds the id of the destination's experiment, creating it by name where it is missing.</summary>
    public async Task<(ExportOutcome Outcome, string Id)> ResolveExperimentAsync(TraceDestination destination, CancellationToken cancellationToken)
    {
        if (destination.ExperimentId is { } known)
        {
            return (ExportOutcome.Sent, known);
        }

        var name = destination.ExperimentName!;
        if (_experimentIds.TryGetValue(name, out var id))
        {
            return (ExportOutcome.Sent, id);
        }

        var (outcome, found) = await GetExperimentAsync(name, cancellationToken).ConfigureAwait(false);
        if (outcome.IsSent && found is null)
        {
            (outcome, found) = await CreateExperimentAsync(name, cancellationToken).ConfigureAwait(false);
            if (outcome.IsSent && found is null)
            {
                // Somebody else created it between our two requests.
                (outcome, found) = await GetExperimentAsync(name, cancellationToken).ConfigureAwait(false);
            }
        }

        if (!outcome.IsSent)
        {
            return (outcome, "");
        }

        _experimentIds[name] = found!;
        return (outcome, found!);
    }

    public async Task<ExportOutcome> PostSpansAsync(ReadOnlyMemory<byte> otlp, string experimentId, CancellationToken cancellationToken)
    {
        using HttpContent content = _version >= FirstWithGzip && otlp.Length > GzipThreshold ? Gzip(otlp) : new ReadOnlyMemoryContent(otlp);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        var (outcome, _) = await SendAsync(HttpMethod.Post, "/v1/traces", content, RequestTimeout, cancellationToken, experimentId).ConfigureAwait(false);
        return outcome;
    }

    /// <summary>Completes a trace and returns the artifact location to which its spans must be uploaded, or null where the server has them.</summary>
    public async Task<(ExportOutcome Outcome, string? UploadTo)> PostInfoAsync(byte[] info, CancellationToken cancellationToken)
    {
        using var content = Json(info);
        var (outcome, body) = await SendAsync(HttpMethod.Post, "/api/3.0/mlflow/traces", content, RequestTimeout, cancellationToken).ConfigureAwait(false);
        return (outcome, outcome.IsSent ? UploadLocation(body) : null);
    }

    public async Task<ExportOutcome> UploadSpansAsync(string artifactLocation, byte[] tracesJson, CancellationToken cancellationToken)
    {
        const string scheme = "mlflow-artifacts:/";
        if (!artifactLocation.StartsWith(scheme, StringComparison.Ordinal))
        {
            return ExportOutcome.GiveUp($"the artifact location {artifactLocation} is not one that this client can write to");
        }

        using var content = Json(tracesJson);
        var path = "/api/2.0/mlflow-artifacts/artifacts/" + artifactLocation[scheme.Length..].TrimStart('/') + "/traces.json";
        var (outcome, _) = await SendAsync(HttpMethod.Put, path, content, RequestTimeout, cancellationToken).ConfigureAwait(false);
        return outcome;
    }

    private static ByteArrayContent Json(byte[] body)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    private static ByteArrayContent Gzip(ReadOnlyMemory<byte> body)
    {
        using var compressed = new MemoryStream(body.Length / 4);
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(body.Span);
        }

        var content = new ByteArrayContent(compressed.GetBuffer(), 0, (int)compressed.Length);
        content.Headers.ContentEncoding.Add("gzip");
        return content;
    }

    private static Version? ParseVersion(byte[] body)
    {
        var text = System.Text.Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 64))).Trim();
        var parts = text.Split('.');
        return parts.Length >= 2 && int.TryParse(parts[0], out var major) && int.TryParse(parts[1], out var minor) ? new Version(major, minor) : null;
    }

    private static string? UploadLocation(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var tags = document.RootElement.GetProperty("trace").GetProperty("trace_info").GetProperty("tags");
            return tags.TryGetProperty(TraceKeys.SpansLocation, out var location) && location.ValueEquals(TraceKeys.TrackingStore)
                ? null
                : tags.TryGetProperty(TraceKeys.ArtifactLocation, out var artifacts) ? artifacts.GetString() : null;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }

    private async Task<(ExportOutcome Outcome, string? Id)> GetExperimentAsync(string name, CancellationToken cancellationToken)
    {
        var (outcome, body) = await SendAsync(HttpMethod.Get, "/api/2.0/mlflow/experiments/get-by-name?experiment_name=" + Uri.EscapeDataString(name), null, RequestTimeout, cancellationToken).ConfigureAwait(false);
        if (!outcome.IsSent)
        {
            return ErrorCode(body) == "RESOURCE_DOES_NOT_EXIST" ? (ExportOutcome.Sent, null) : (outcome, null);
        }

        using var document = JsonDocument.Parse(body);
        var experiment = document.RootElement.GetProperty("experiment");
        return experiment.TryGetProperty("lifecycle_stage", out var stage) && stage.ValueEquals("deleted")
            ? (ExportOutcome.GiveUp($"the experiment '{name}' was deleted; restore it or use another name"), null)
            : (outcome, experiment.GetProperty("experiment_id").GetString());
    }

    private async Task<(ExportOutcome Outcome, string? Id)> CreateExperimentAsync(string name, CancellationToken cancellationToken)
    {
        using var request = new MemoryStream();
        using (var json = new Utf8JsonWriter(request, AttributeJson.WriterOptions))
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteEndObject();
        }

        using var content = Json(request.ToArray());
        var (outcome, body) = await SendAsync(HttpMethod.Post, "/api/2.0/mlflow/experiments/create", content, RequestTimeout, cancellationToken).ConfigureAwait(false);
        if (!outcome.IsSent)
        {
            return ErrorCode(body) == "RESOURCE_ALREADY_EXISTS" ? (ExportOutcome.Sent, null) : (outcome, null);
        }

        using var document = JsonDocument.Parse(body);
        return (outcome, document.RootElement.GetProperty("experiment_id").GetString());
    }

    private async Task<(ExportOutcome Outcome, byte[] Body)> SendAsync(HttpMethod method, string path, HttpContent? content, TimeSpan timeout, CancellationToken cancellationToken, string? experimentId = null)
    {
        using var deadline = new CancellationTokenSource(timeout, _timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            using var request = new HttpRequestMessage(method, _base + path) { Content = content };
            request.Headers.Authorization = TrackingCredentials.FromEnvironment();
            request.Headers.UserAgent.ParseAdd("mlflow-dotnet-client/" + SdkInfo.Version);
            if (experimentId is not null)
            {
                request.Headers.Add("x-mlflow-experiment-id", experimentId);
            }

            using var response = await _http.SendAsync(request, either.Token).ConfigureAwait(false);
            var body = await response.Content.ReadAsByteArrayAsync(either.Token).ConfigureAwait(false);
            return (Judge(response, path, body), body);
        }
        catch (HttpRequestException e)
        {
            return (ExportOutcome.Postpone(e.Message), []);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (ExportOutcome.Postpone($"no answer to {path} within {timeout.TotalSeconds} s"), []);
        }
    }

    private ExportOutcome Judge(HttpResponseMessage response, string path, byte[] body)
    {
        if (response.IsSuccessStatusCode)
        {
            return ExportOutcome.Sent;
        }

        var text = System.Text.Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 500)));
        var reason = $"{path.Split('?')[0]} answered {(int)response.StatusCode}: {text}";
        if (!RetryPolicy.IsTransient(response.StatusCode))
        {
            return ExportOutcome.GiveUp(reason);
        }

        var retryAfter = response.Headers.RetryAfter is { } header
            ? header.Delta ?? (header.Date - _timeProvider.GetUtcNow())
            : null;
        return ExportOutcome.Postpone(reason, retryAfter, response.StatusCode == HttpStatusCode.InternalServerError);
    }

    private static string? ErrorCode(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("error_code", out var code) ? code.GetString() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
