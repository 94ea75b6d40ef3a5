using System.Text.Json;

namespace MLflow.Cli.Traces.Import;

/// <summary>Brings traces into an experiment of a server. All of it may be done again: spans and facts of a trace that is there already are replaced by themselves.</summary>
internal sealed class TraceUpload
{
    private const string Path = "/api/3.0/mlflow/traces";

    private readonly TrackingApi _api;
    private readonly TrackingHttp _http;
    private readonly string _experimentId;
    private readonly AssessmentUpload _assessments;

    public TraceUpload(TrackingApi api, TrackingHttp http, string experimentId)
    {
        _api = api;
        _http = http;
        _experimentId = experimentId;
        _assessments = new AssessmentUpload(api);
    }

    /// <inheritdoc cref="ImportPiece.Read" />
    public ImportPiece Read(ReadOnlyMemory<byte> line) => ImportPiece.Read(line, takesRequests: _api.Workspace is null);

    /// <returns>How many traces there were; of an OTLP request, which knows spans only, 1.</returns>
    /// <exception cref="FormatException">A span of it has no form.</exception>
    /// <exception cref="MlflowException">The server refused it or could not be reached.</exception>
    public async Task<int> SendAsync(ImportPiece piece, CancellationToken cancellationToken)
    {
        if (piece.Traces is null)
        {
            await SendSpansAsync(piece.Root, cancellationToken);
            return 1;
        }

        foreach (var trace in piece.Traces)
        {
            await SendAsync(trace, cancellationToken);
        }

        return piece.Traces.Count;
    }

    private async Task SendAsync(TraceDocument trace, CancellationToken cancellationToken)
    {
        var isApart = await _assessments.GoApartAsync(trace, cancellationToken);
        await SendAsync(trace, Facts(trace, withAssessments: !isApart), cancellationToken);
        if (isApart)
        {
            await _assessments.SendAsync(trace, cancellationToken);
        }
    }

    private async Task SendAsync(TraceDocument trace, byte[] facts, CancellationToken cancellationToken)
    {
        if (_api.Workspace is { } workspace)
        {
            await _api.QueryAsync(Path, facts, cancellationToken);
            await UploadAsync(workspace, trace, cancellationToken);
            return;
        }

        if (trace.Spans.Count > 0)
        {
            using var text = new MemoryStream();
            await using (var json = new Utf8JsonWriter(text, TraceDocument.WriterOptions))
            {
                Export.OtlpJson.Write(json, trace);
            }

            using var request = JsonDocument.Parse(text.GetBuffer().AsMemory(0, (int)text.Length), TraceDocument.ReaderOptions);
            await SendSpansAsync(request.RootElement, cancellationToken);
        }

        // MLflow's StartTraceV3. Despite its name it is the last call for a trace, with all that is known of it.
        await _api.QueryAsync(Path, facts, cancellationToken);
    }

    /// <summary>A workspace takes the spans as one document, into the storage behind it.</summary>
    private async Task UploadAsync(DatabricksWorkspace workspace, TraceDocument trace, CancellationToken cancellationToken)
    {
        using var text = new MemoryStream();
        await using (var json = new Utf8JsonWriter(text, TraceDocument.WriterOptions))
        {
            json.WriteStartObject();
            json.WriteStartArray("spans");
            foreach (var span in trace.Spans)
            {
                StoredSpan.Write(json, span);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        await _api.GetAsync(
            DatabricksWorkspace.CredentialPath(trace.TraceId, "upload"),
            async token =>
            {
                await workspace.Storage.UploadAsync(text.GetBuffer().AsMemory(0, (int)text.Length), t => workspace.CredentialAsync(trace.TraceId, "upload", workspace.Reads, t), token);
                return [];
            },
            cancellationToken);
    }

    private async Task SendSpansAsync(JsonElement request, CancellationToken cancellationToken)
    {
        foreach (var bytes in OtlpProtobuf.Convert(request))
        {
            await _api.GetAsync(
                "/v1/traces",
                async token =>
                {
                    await _http.PostSpansAsync(_experimentId, bytes, compress: false, token, isBlocking: false);
                    return [];
                },
                cancellationToken);
        }
    }

    private byte[] Facts(TraceDocument trace, bool withAssessments)
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text, TraceDocument.WriterOptions))
        {
            json.WriteStartObject();
            json.WriteStartObject("trace");
            json.WriteStartObject("trace_info");
            foreach (var member in trace.Info.EnumerateObject())
            {
                switch (member.Name)
                {
                    case "trace_location" or "execution_duration" or "execution_duration_ms":
                    case "assessments" when !withAssessments:
                        break;
                    case "tags" when member.Value.ValueKind == JsonValueKind.Object:
                        // Where the other server kept it says nothing here.
                        json.WriteStartObject("tags");
                        foreach (var tag in member.Value.EnumerateObject().Where(tag => tag.Name is not (TraceKeys.ArtifactLocation or TraceKeys.SpansLocation)))
                        {
                            tag.WriteTo(json);
                        }

                        json.WriteEndObject();
                        break;
                    default:
                        member.WriteTo(json);
                        break;
                }
            }

            json.WritePropertyName("trace_location");
            TraceDocument.WriteLocation(json, _experimentId);
            if (TraceDocument.DurationMs(trace.Info) is { } ms)
            {
                json.WriteString("execution_duration", (ms / 1000m).ToString("0.000", System.Globalization.CultureInfo.InvariantCulture) + "s");
            }

            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return text.ToArray();
    }
}
