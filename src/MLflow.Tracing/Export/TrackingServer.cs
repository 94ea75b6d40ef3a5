using System.Buffers;
using System.Collections.Frozen;
using System.Net;
using System.Text.Json;

namespace MLflow;

/// <summary>One MLflow server as the exporter sees it: what it can do, the ids of its experiments, when to try it again.</summary>
/// <remarks>Used by one batch at a time. Every request that does not succeed throws <see cref="ExportFailureException"/>.</remarks>
internal sealed class TrackingServer
{
    /// <summary>Experiments whose ids, or holds, are remembered. When there are more, all are asked for, or tried, again.</summary>
    public const int MaxExperiments = 1000;

    /// <summary>Smaller bodies do not gain from compression.</summary>
    public const int MinGzipBytes = 1024;

    private const string ArtifactScheme = "mlflow-artifacts";
    private readonly TrackingHttp _http;
    private readonly Dictionary<string, string> _experimentIds = [];
    private readonly Dictionary<TraceDestination, RetryPolicy> _holds = [];
    private long? _asked;
    private bool _recordsCalls;

    // It said that it records calls and did not confirm one. Something may stand between us that takes the header away, and each would go twice.
    private bool _leavesCalls;

    public TrackingServer(TrackingHttp http, RetryPolicy retry)
    {
        _http = http;
        Retry = retry;
    }

    /// <summary>A Databricks workspace: it takes whole traces, in its own way, and is known without being asked.</summary>
    public TrackingServer(DatabricksWorkspace workspace, RetryPolicy retry)
        : this(workspace.Http, retry)
    {
        Workspace = new WorkspaceExport(workspace);
        TakesSpans = false;
    }

    /// <summary>The way of a Databricks workspace; null for other servers.</summary>
    public WorkspaceExport? Workspace { get; }

    public RetryPolicy Retry { get; }

    /// <summary>For messages: without credentials.</summary>
    public string Address => _http.Address;

    /// <summary>False when the server wants whole traces as files. True until it is known better.</summary>
    public bool TakesSpans { get; private set; } = true;

    /// <summary>True when a trace's facts may go with its spans, see <see cref="TraceFactsFeature"/>.</summary>
    public bool TakesFacts { get; private set; }

    /// <summary>True when calls may be left to it to be recorded, see <see cref="PlainCallFeature"/>.</summary>
    public bool RecordsCalls => _recordsCalls && !_leavesCalls && TakesFacts && TakesSpans;

    /// <summary>An outage is told once.</summary>
    public bool IsOutageReported { get; set; }

    /// <summary>It has said who it is, or is known without being asked.</summary>
    public bool IsKnown => Version is not null || Workspace is not null;

    /// <summary>When to try again experiments whose traces wait for a right, credentials, a folder or a table: others go on. Touched under the exporter's lock only.</summary>
    public IReadOnlyDictionary<TraceDestination, RetryPolicy> Holds => _holds;

    private ServerVersion? Version { get; set; }

    /// <summary>Whether it may be asked now who it is, with nothing to send: not more often than every five seconds.</summary>
    public bool MayBeAsked(TimeProvider timeProvider)
    {
        var now = timeProvider.GetTimestamp();
        if (Retry.Remaining > TimeSpan.Zero || (_asked is { } asked && timeProvider.GetElapsedTime(asked, now) < TimeSpan.FromSeconds(5)))
        {
            return false;
        }

        _asked = now;
        return true;
    }

    /// <summary>Asks for the version, once. Nothing else is sent before an MLflow server has answered.</summary>
    public async Task IdentifyAsync(CancellationToken cancellationToken)
    {
        if (IsKnown)
        {
            return;
        }

        var version = await _http.GetVersionAsync(cancellationToken).ConfigureAwait(false);
        (TakesFacts, _recordsCalls) = version.TakesSpans ? await FeaturesAsync(cancellationToken).ConfigureAwait(false) : default;
        Version = version;
        TakesSpans = version.TakesSpans;
    }

    /// <summary>Forgets what is known: after an outage another server may stand there.</summary>
    public void Forget()
    {
        Version = null;
        _experimentIds.Clear();
    }

    public RetryPolicy? HoldOf(TraceDestination destination) => _holds.GetValueOrDefault(destination);

    /// <summary>Destinations that are not to be tried now.</summary>
    public IReadOnlySet<TraceDestination> HeldNow() => _holds.Count == 0
        ? FrozenSet<TraceDestination>.Empty
        : _holds.Where(hold => hold.Value.Remaining > TimeSpan.Zero).Select(hold => hold.Key).ToHashSet();

    /// <param name="destination">Whose traces wait.</param>
    /// <param name="create">Makes a policy where there is none.</param>
    public RetryPolicy Hold(TraceDestination destination, Func<RetryPolicy> create)
    {
        if (!_holds.TryGetValue(destination, out var hold))
        {
            if (_holds.Count >= MaxExperiments)
            {
                _holds.Clear();
            }

            _holds.Add(destination, hold = create());
        }

        return hold;
    }

    public void Release(TraceDestination destination) => _holds.Remove(destination);

    public void ForgetExperiment(string name) => _experimentIds.Remove(name);

    /// <summary>Id of the experiment, which is created when it is missing.</summary>
    public async Task<string> ResolveExperimentAsync(TraceDestination destination, CancellationToken cancellationToken)
    {
        if (destination.ExperimentId is { } known)
        {
            return known;
        }

        var name = destination.ExperimentName!;
        if (_experimentIds.TryGetValue(name, out var cached))
        {
            return cached;
        }

        var id = await FindExperimentAsync(name, cancellationToken).ConfigureAwait(false)
            ?? await CreateExperimentAsync(name, cancellationToken).ConfigureAwait(false)
            ?? await FindExperimentAsync(name, cancellationToken).ConfigureAwait(false)
            ?? throw new ExportFailureException(ExportFailureKind.Failed, DropReasons.InvalidAnswer, $"The server at {Address} neither finds nor creates experiment '{name}'.");
        if (_experimentIds.Count >= MaxExperiments)
        {
            _experimentIds.Clear();
        }

        _experimentIds[name] = id;
        return id;
    }

    /// <summary>Posts an OTLP request.</summary>
    /// <param name="experimentId">The experiment of the spans.</param>
    /// <param name="request">The encoded request.</param>
    /// <param name="hasFacts">Facts are among the spans. When the answer does not confirm them, <see cref="TakesFacts"/> is false afterwards.</param>
    /// <param name="plainCalls">Calls among the spans that the server is to record. When the answer does not confirm all, <see cref="RecordsCalls"/> is false afterwards.</param>
    /// <param name="cancellationToken">Stops the request.</param>
    /// <returns>False when the server turns out not to take spans (its file store answers 501).</returns>
    public async Task<bool> SendSpansAsync(string experimentId, ReadOnlyMemory<byte> request, bool hasFacts, int plainCalls, CancellationToken cancellationToken)
    {
        try
        {
            var compress = Version is { TakesGzip: true } && request.Length >= MinGzipBytes && !_http.IsLoopback;
            var confirmed = await _http.PostSpansAsync(experimentId, request, compress, cancellationToken).ConfigureAwait(false);

            // Another server than the one that we asked may have come to this address without an outage in between.
            if (hasFacts && !confirmed.Facts)
            {
                Forget();
                TakesFacts = false;
            }

            if (confirmed.RecordedCalls < plainCalls)
            {
                Forget();
                _leavesCalls = true;
            }

            return true;
        }
        catch (ExportFailureException e) when (e.Status == (int)HttpStatusCode.NotImplemented)
        {
            TakesSpans = false;
            return false;
        }
    }

    /// <summary>Posts the facts of a finished trace.</summary>
    /// <returns>Where <c>traces.json</c> must be uploaded to, or null when the server has the spans.</returns>
    public async Task<string?> StartTraceAsync(ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        using var answer = await _http.SendJsonAsync(HttpMethod.Post, "/api/3.0/mlflow/traces", body, cancellationToken).ConfigureAwait(false);
        var tags = Member(Member(Member(answer.RootElement, "trace"), "trace_info"), "tags");
        if (Text(tags, TraceKeys.SpansLocation) == TraceKeys.TrackingStore)
        {
            return null;
        }

        if (Text(tags, TraceKeys.ArtifactLocation) is { } location)
        {
            return location;
        }

        // It took the spans and these facts and asks for no file: nothing is missing.
        return TakesSpans
            ? null
            : throw new ExportFailureException(
                ExportFailureKind.Refused,
                DropReasons.InvalidAnswer,
                $"The server at {Address} takes no spans and did not say where to upload them.");
    }

    /// <summary>Uploads <c>traces.json</c>.</summary>
    public Task UploadTraceDataAsync(string location, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(location, UriKind.Absolute, out var uri) || uri.Scheme != ArtifactScheme)
        {
            throw new ExportFailureException(
                ExportFailureKind.Refused,
                DropReasons.NoArtifactUpload,
                $"The server at {Address} keeps the artifacts of this experiment at '{location}', where a client cannot upload: start it with --serve-artifacts, or use MLflow 3.4 or later, which takes spans itself.");
        }

        return _http.PutAsync($"/api/2.0/mlflow-artifacts/artifacts{uri.AbsolutePath}/traces.json", body, cancellationToken);
    }

    /// <summary>MLflow before 3.11 has no such page, and a proxy may not let it through.</summary>
    private async Task<(bool TakesFacts, bool RecordsCalls)> FeaturesAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await _http.SendJsonAsync(HttpMethod.Get, "/api/3.0/mlflow/server-info", default, cancellationToken).ConfigureAwait(false);
            var takesFacts = Member(answer.RootElement, TraceFactsFeature.Name).ValueKind == JsonValueKind.True;
            return (takesFacts, takesFacts && Text(answer.RootElement, PlainCallFeature.Name) == SdkInfo.Version);
        }
        catch (ExportFailureException e) when (e.Kind is ExportFailureKind.Refused or ExportFailureKind.Failed || e.Status is 401 or 403)
        {
            return default;
        }
    }

    private async Task<string?> FindExperimentAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            var path = "/api/2.0/mlflow/experiments/get-by-name?experiment_name=" + Uri.EscapeDataString(name);
            using var answer = await _http.SendJsonAsync(HttpMethod.Get, path, default, cancellationToken).ConfigureAwait(false);
            if (!answer.RootElement.TryGetProperty("experiment", out var experiment) || Text(experiment, "experiment_id") is not { } id)
            {
                throw new ExportFailureException(ExportFailureKind.Failed, DropReasons.InvalidAnswer, $"The server at {Address} answered without an experiment when asked for '{name}'.");
            }

            if (Text(experiment, "lifecycle_stage") == "deleted")
            {
                throw new ExportFailureException(
                    ExportFailureKind.Refused,
                    DropReasons.ExperimentDeleted,
                    $"Experiment '{name}' on {Address} is deleted: restore it, or set another with SetExperiment.");
            }

            return id;
        }
        catch (ExportFailureException e) when (e.ErrorCode == "RESOURCE_DOES_NOT_EXIST")
        {
            return null;
        }
    }

    /// <summary>Null when somebody else created it in the meantime.</summary>
    private async Task<string?> CreateExperimentAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            var body = new ArrayBufferWriter<byte>(256);
            using (var json = new Utf8JsonWriter(body, AttributeJson.WriterOptions))
            {
                json.WriteStartObject();
                json.WriteString("name", name);
                json.WriteEndObject();
            }

            using var answer = await _http.SendJsonAsync(HttpMethod.Post, "/api/2.0/mlflow/experiments/create", body.WrittenMemory, cancellationToken).ConfigureAwait(false);
            return Text(answer.RootElement, "experiment_id");
        }
        catch (ExportFailureException e) when (e.ErrorCode == "RESOURCE_ALREADY_EXISTS")
        {
            return null;
        }
    }

    private static JsonElement Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : default;

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value)
            ? value.ValueKind switch
            {
                JsonValueKind.String => value.GetString(),
                JsonValueKind.Number => value.GetRawText(),
                _ => null,
            }
            : null;
}
