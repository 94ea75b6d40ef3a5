using System.Buffers;
using System.Text.Json;

namespace MLflow;

/// <summary>
/// Sends finished traces to a workspace: into an experiment the facts by StartTraceV3 and the spans as one document to the storage behind it; into Unity Catalog the spans over OTLP
/// with the name of their table, then the facts.
/// </summary>
internal sealed class WorkspaceExport(DatabricksWorkspace workspace)
{
    /// <summary>Characters that a workspace keeps of a preview.</summary>
    public const int MaxPreview = 10_000;

    /// <summary>Traces that are sent at the same time.</summary>
    public const int MaxParallelTraces = 8;

    private const string SpansPath = "/api/2.0/otel/v1/traces";
    private const string TableHeader = "X-Databricks-UC-Table-Name";

    /// <summary>For messages.</summary>
    public string Host => workspace.Config.Host.Host;

    /// <summary>The id of the experiment, which is created when it is missing, or the place in Unity Catalog.</summary>
    /// <exception cref="ExportFailureException">It cannot be had.</exception>
    public static async Task<string> ResolveAsync(TraceDestination destination, Func<TraceDestination, Task<string>> resolve)
    {
        if (destination.ExperimentId is { } id)
        {
            return id != "0"
                ? id
                : throw new ExportFailureException(
                    ExportFailureKind.Refused,
                    DropReasons.NoExperiment,
                    "No experiment is set, and a Databricks workspace has none for traces of others: set MLFLOW_EXPERIMENT_NAME, or call Mlflow.SetExperiment(\"/Shared/my-experiment\").");
        }

        string name;
        try
        {
            name = ExperimentPath.Normalize(destination.ExperimentName!);
        }
        catch (ArgumentException e)
        {
            throw new ExportFailureException(ExportFailureKind.Refused, DropReasons.InvalidExperiment, e.Message.Split(" (Parameter")[0]);
        }

        try
        {
            return await resolve(destination with { ExperimentName = name }).ConfigureAwait(false);
        }
        catch (ExportFailureException e) when (e.ErrorCode == MlflowErrorCode.ResourceDoesNotExist)
        {
            var folder = ExperimentPath.FolderOf(name);
            throw new ExportFailureException(
                ExportFailureKind.Held,
                e.Reason,
                $"The experiment '{name}' cannot be created, since the Databricks workspace has no folder '{folder}': create it ('databricks workspace mkdirs {folder}'), or choose an experiment in a folder that is there, such as '/Shared'.")
            {
                ErrorCode = e.ErrorCode,
                Status = e.Status,
            };
        }
        catch (ExportFailureException e) when (e.ErrorCode == MlflowErrorCode.InvalidParameterValue)
        {
            throw new ExportFailureException(ExportFailureKind.Refused, DropReasons.InvalidExperiment, $"The Databricks workspace does not take '{name}' as an experiment: {e.ServerMessage}") { Status = e.Status };
        }
    }

    /// <summary>Sends all of one trace.</summary>
    /// <param name="parts">Its exports in their order.</param>
    /// <param name="place">What <see cref="ResolveAsync"/> gave.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="ExportFailureException">It did not succeed.</exception>
    public async Task SendAsync(IReadOnlyList<QueuedExport> parts, string place, CancellationToken cancellationToken)
    {
        if (CatalogLocation.TryParse(place, out var location))
        {
            await SendToCatalogAsync(parts, location, cancellationToken).ConfigureAwait(false);
            return;
        }

        var last = parts[^1];
        var facts = Facts(last, place);
        if (!last.AreFactsSent && await HasSpansAlreadyAsync(facts, cancellationToken).ConfigureAwait(false))
        {
            return;
        }

        // The next try begins with the document.
        last.AreFactsSent = true;
        var id = TraceIdOf(facts);
        await workspace.Storage.UploadAsync(
            TracesJsonWriter.Write(parts.Select(part => part.Encoded!)),
            token => workspace.CredentialAsync(id, "upload", workspace.Http, token),
            cancellationToken).ConfigureAwait(false);
    }

    /// <returns>True where the workspace says that it has the spans and wants no document.</returns>
    private async Task<bool> HasSpansAlreadyAsync(ReadOnlyMemory<byte> facts, CancellationToken cancellationToken)
    {
        using var answer = await workspace.Http.SendJsonAsync(HttpMethod.Post, "/api/3.0/mlflow/traces", facts, cancellationToken).ConfigureAwait(false);
        var info = ApiJson.Member(answer.RootElement, "trace") is { } trace ? ApiJson.Member(trace, "trace_info") : null;
        var tags = info is { } found ? ApiJson.Member(found, "tags") : null;
        return tags is { } all && ApiJson.Text(all, TraceKeys.SpansLocation) == TraceKeys.TrackingStore;
    }

    private async Task SendToCatalogAsync(IReadOnlyList<QueuedExport> parts, CatalogLocation location, CancellationToken cancellationToken)
    {
        // A part of a trace that began in another process has no facts: those are told there.
        ReadOnlyMemory<byte> info = default;
        var hex = "";
        IReadOnlyList<KeyValuePair<string, string>> root = [];
        if (parts[^1].HasFacts)
        {
            info = CatalogTraceInfo.Write(Facts(parts[^1], location.Id), location, out hex, out root);
        }

        await SendSpansAsync(parts, location, root, cancellationToken).ConfigureAwait(false);
        if (!info.IsEmpty)
        {
            using var answer = await workspace.Http.SendJsonAsync(HttpMethod.Post, $"{CatalogPath(location)}/{hex}/info", info, cancellationToken).ConfigureAwait(false);
        }
    }

    public static string CatalogPath(CatalogLocation location) => "/api/4.0/mlflow/traces/" + Uri.EscapeDataString(location.Id);

    private async Task SendSpansAsync(IReadOnlyList<QueuedExport> parts, CatalogLocation location, IReadOnlyList<KeyValuePair<string, string>> root, CancellationToken cancellationToken)
    {
        using var request = new OtlpRequest();
        var acknowledged = new Dictionary<QueuedExport, int>();
        request.Begin();
        foreach (var part in parts)
        {
            // The next try goes on where the last one was acknowledged.
            for (var position = part.SentSpanBytes; position < part.Encoded!.SpanBytes;)
            {
                Add(request, part, ref position, root);
                acknowledged[part] = position;
                if (request.Size >= TraceExporter.MaxRequestBytes)
                {
                    await PostAsync().ConfigureAwait(false);
                    request.Begin();
                }
            }
        }

        if (request.SpanCount > 0)
        {
            await PostAsync().ConfigureAwait(false);
        }

        async Task PostAsync()
        {
            try
            {
                await workspace.Http.PostSpansAsync(SpansPath, TableHeader, location.SpansTable, request.End(), cancellationToken).ConfigureAwait(false);
                foreach (var (part, position) in acknowledged)
                {
                    part.SentSpanBytes = position;
                }
            }
            catch (ExportFailureException e) when (e.Status == 404)
            {
                throw new ExportFailureException(
                    ExportFailureKind.Held,
                    e.Reason,
                    $"The Databricks workspace has no table {location.SpansTable} for traces{(e.ServerMessage is null ? "" : ": " + e.ServerMessage.TrimEnd('.'))}. Create it once by CreateTraceLocationAsync(\"{location.Id}\").")
                {
                    Status = e.Status,
                    ErrorCode = e.ErrorCode,
                };
            }
        }
    }

    private static void Add(OtlpRequest request, QueuedExport part, ref int position, IReadOnlyList<KeyValuePair<string, string>> root)
    {
        part.Encoded!.TryReadSpan(ref position, out var span);
        request.Add(span, root.Count > 0 && IsRoot(span) ? root : []);
    }

    private static bool IsRoot(ReadOnlySpan<byte> span)
    {
        for (var field = new ProtobufReader(span); field.Read();)
        {
            if (field.Field == OtlpSpanWriter.SpanParentSpanId && !field.Bytes.IsEmpty)
            {
                return false;
            }
        }

        return true;
    }

    private static ReadOnlyMemory<byte> Facts(QueuedExport export, string place)
    {
        var body = new ArrayBufferWriter<byte>(2048);
        export.Encoded!.Facts.WriteTo(body, place);
        return body.WrittenMemory;
    }

    private static string TraceIdOf(ReadOnlyMemory<byte> facts)
    {
        using var document = JsonDocument.Parse(facts, new JsonDocumentOptions { MaxDepth = AnyValueReader.MaxDepth });
        return document.RootElement.GetProperty("trace").GetProperty("trace_info").GetProperty("trace_id").GetString()!;
    }
}
