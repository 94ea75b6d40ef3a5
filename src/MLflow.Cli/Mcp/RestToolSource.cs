using System.Globalization;
using System.Text.Json;
using MLflow.Cli.Commands;
using MLflow.Cli.Traces;
using MLflow.Server;
using MLflow.Server.Experiments;
using MLflow.Server.Mcp;
using MLflow.Server.Rest;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Analysis;

namespace MLflow.Cli.Mcp;

/// <summary>Reads what a server of MLflow keeps, this one or MLflow's own, by REST.</summary>
internal sealed class RestToolSource : IToolSource
{
    private const string Experiments = "/api/2.0/mlflow/experiments";
    private const string Traces = "/api/3.0/mlflow/traces";

    private readonly TrackingApi _api;
    private readonly TraceSource _traces;

    public RestToolSource(TrackingApi api)
    {
        _api = api;
        _traces = new TraceSource(api);
    }

    public Task<ExperimentPage> SearchExperimentsAsync(ExperimentQuery query, CancellationToken cancellationToken) => TellAsync(async () =>
    {
        var body = ScratchJson.Write(query, static (json, q) =>
        {
            json.WriteStartObject();
            json.WriteString("view_type", (q.IncludeActive, q.IncludeDeleted) switch { (true, true) => "ALL", (false, _) => "DELETED_ONLY", _ => "ACTIVE_ONLY" });
            json.WriteNumber("max_results", q.PageSize);
            if (!string.IsNullOrWhiteSpace(q.Filter))
            {
                json.WriteString("filter", q.Filter);
            }

            if (q.PageToken is not null)
            {
                json.WriteString("page_token", q.PageToken);
            }

            json.WriteStartArray("order_by");
            foreach (var column in q.OrderBy)
            {
                json.WriteStringValue(column);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
        var answer = await _api.QueryAsync(Experiments + "/search", body, cancellationToken);
        return ApiJson.Read(answer, root => new ExperimentPage([.. ApiJson.Items(root, "experiments").Select(ReadExperiment)], Token(root)));
    });

    public Task<Experiment?> FindExperimentAsync(long experimentId, CancellationToken cancellationToken) =>
        GetExperimentAsync($"get?experiment_id={experimentId.ToString(CultureInfo.InvariantCulture)}", cancellationToken);

    public Task<Experiment?> FindExperimentAsync(string name, CancellationToken cancellationToken) =>
        GetExperimentAsync($"get-by-name?experiment_name={Uri.EscapeDataString(name)}", cancellationToken);

    public Task<Server.Traces.TracePage> SearchTracesAsync(Server.Traces.TraceQuery query, CancellationToken cancellationToken) => TellAsync(async () =>
    {
        var page = await _traces.SearchAsync(
            new Cli.Traces.TraceQuery([.. query.ExperimentIds.Select(id => id.ToString(CultureInfo.InvariantCulture))], query.Filter, query.OrderBy, query.PageSize, query.PageToken), cancellationToken);
        return new Server.Traces.TracePage([.. page.Infos.Select(ReadInfo)], page.NextPageToken);
    });

    public Task<TraceInfo?> FindTraceAsync(string traceId, CancellationToken cancellationToken) => TellAsync<TraceInfo?>(async () =>
    {
        try
        {
            var answer = await _api.GetAsync($"{Traces}/{Uri.EscapeDataString(traceId)}", cancellationToken);
            return ApiJson.Read(answer, root => ApiJson.Member(ApiJson.Member(root, "trace") ?? root, "trace_info") is { } info ? ReadInfo(info) : null);
        }
        catch (MLflow.MlflowException e) when (e.ErrorCode == MlflowErrorCode.ResourceDoesNotExist)
        {
            return null;
        }
    });

    public Task<IReadOnlyList<SpanRecord>> GetSpansAsync(string traceId, CancellationToken cancellationToken) => TellAsync<IReadOnlyList<SpanRecord>>(async () =>
        await _traces.FindAsync(traceId, cancellationToken) is { } trace ? [.. trace.Spans.Select(span => ReadSpan(span, traceId))] : []);

    public Task<IReadOnlyList<MetricPoint>> QueryMetricsAsync(MetricQuery query, CancellationToken cancellationToken) => TellAsync<IReadOnlyList<MetricPoint>>(async () =>
    {
        var answer = await _api.QueryAsync(Traces + "/metrics", ScratchJson.Write(query, WriteQuery), cancellationToken);
        return ApiJson.Read(answer, root => ApiJson.Items(root, "data_points").Select(point => new MetricPoint(
            Members(point, "dimensions").ToDictionary(member => member.Name, member => ApiJson.Text(member.Value) ?? ""),
            Members(point, "values").ToDictionary(member => member.Name, member => member.Value.GetDouble()))).ToList());
    });

    private Task<Experiment?> GetExperimentAsync(string path, CancellationToken cancellationToken) => TellAsync<Experiment?>(async () =>
    {
        try
        {
            var answer = await _api.GetAsync($"{Experiments}/{path}", cancellationToken);
            return ApiJson.Read(answer, root => ApiJson.Member(root, "experiment") is { } experiment ? ReadExperiment(experiment) : null);
        }
        catch (MLflow.MlflowException e) when (e.ErrorCode == MlflowErrorCode.ResourceDoesNotExist)
        {
            return null;
        }
    });

    private static Experiment ReadExperiment(JsonElement json) => new()
    {
        ExperimentId = long.Parse(ApiJson.Text(json, "experiment_id") ?? "", NumberStyles.None, CultureInfo.InvariantCulture),
        Name = ApiJson.Text(json, "name") ?? "",
        ArtifactLocation = ApiJson.Text(json, "artifact_location") ?? "",
        IsActive = ApiJson.Text(json, "lifecycle_stage") != "deleted",
        CreationTimeMs = Integer(json, "creation_time"),
        LastUpdateTimeMs = Integer(json, "last_update_time"),
        Tags = ApiJson.Items(json, "tags").DistinctBy(tag => ApiJson.Text(tag, "key")).ToDictionary(tag => ApiJson.Text(tag, "key") ?? "", tag => ApiJson.Text(tag, "value") ?? ""),
    };

    private static TraceInfo ReadInfo(JsonElement json)
    {
        var info = TraceInfoJson.Read(RequestJson.From(json));

        // What a client sends has no ids of assessments; what a server answers has.
        return info with { Assessments = [.. info.Assessments.Zip(ApiJson.Items(json, "assessments"), (item, given) => item with { AssessmentId = ApiJson.Text(given, "assessment_id") ?? item.AssessmentId })] };
    }

    private static SpanRecord ReadSpan(JsonElement json, string traceId)
    {
        var attributes = StoredSpan.Attributes(json);
        var status = ApiJson.Member(json, "status") ?? default;
        return new SpanRecord
        {
            TraceId = traceId,
            OtelTraceId = StoredSpan.HexTraceId(ApiJson.Text(json, "trace_id")) ?? "",
            SpanId = StoredSpan.HexSpanId(ApiJson.Text(json, "span_id")) ?? throw new FormatException($"a span of trace {traceId} has no span_id"),
            ParentSpanId = StoredSpan.HexSpanId(ApiJson.Text(json, "parent_span_id")),
            Name = ApiJson.Text(json, "name") ?? "",
            Type = attributes.TryGetValue(AttributeNames.SpanType, out var type) && type.ValueKind == JsonValueKind.String ? type.GetString()! : SpanType.Unknown,
            Status = ApiJson.Text(status, "code") switch { "STATUS_CODE_OK" or "OK" => SpanStatus.Ok, "STATUS_CODE_ERROR" or "ERROR" => SpanStatus.Error, _ => SpanStatus.Unset },
            StatusMessage = ApiJson.Text(status, "message") is { Length: > 0 } message ? message : null,
            StartNs = Integer(json, "start_time_unix_nano"),
            EndNs = Integer(json, "end_time_unix_nano") is > 0 and var end ? end : null,
            Attributes = Pairs(attributes),
            Events = [.. ApiJson.Items(json, "events").Select(item => new SpanEventRecord(
                ApiJson.Text(item, "name") ?? "", Integer(item, "time_unix_nano"), Pairs(StoredSpan.Values(ApiJson.Member(item, "attributes"), isJsonText: false))))],
        };
    }

    private static List<KeyValuePair<string, string>> Pairs(Dictionary<string, JsonElement> attributes) =>
        [.. attributes.Select(attribute => KeyValuePair.Create(attribute.Key, attribute.Value.GetRawText()))];

    private static void WriteQuery(Utf8JsonWriter json, MetricQuery query)
    {
        json.WriteStartObject();
        json.WriteStartArray("experiment_ids");
        foreach (var id in query.ExperimentIds)
        {
            json.WriteStringValue(id.ToString(CultureInfo.InvariantCulture));
        }

        json.WriteEndArray();
        json.WriteString("view_type", query.View.ToString().ToUpperInvariant());
        json.WriteString("metric_name", query.Metric);
        json.WriteStartArray("aggregations");
        foreach (var aggregation in query.Aggregations)
        {
            json.WriteStartObject();
            json.WriteString("aggregation_type", aggregation.Type.ToString().ToUpperInvariant());
            if (aggregation.Type == MetricAggregationType.Percentile)
            {
                json.WriteNumber("percentile_value", aggregation.Percentile);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteTexts(json, "dimensions", query.Dimensions);
        WriteTexts(json, "filters", query.Filters.Select(filter => $"{filter.Entity}.{filter.Field}{(filter.Key is null ? "" : $".`{filter.Key}`")} = \"{filter.Value}\""));
        json.Number("time_interval_seconds", query.IntervalSeconds);
        json.Number("start_time_ms", query.StartMs);
        json.Number("end_time_ms", query.EndMs);
        json.WriteNumber("max_results", query.PageSize);
        json.WriteEndObject();
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }

    private static JsonElement.ObjectEnumerator Members(JsonElement owner, string name) => ApiJson.Member(owner, name) is { ValueKind: JsonValueKind.Object } map ? map.EnumerateObject() : default;

    private static long Integer(JsonElement owner, string name) =>
        long.TryParse(ApiJson.Text(owner, name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : 0;

    private static string? Token(JsonElement root) => ApiJson.Text(root, "next_page_token") is { Length: > 0 } token ? token : null;

    /// <summary>What went wrong, in the words of the server; tools tell it to the model.</summary>
    private static async Task<T> TellAsync<T>(Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (MLflow.MlflowException e)
        {
            throw new Server.MlflowException(Enum.TryParse<ErrorCode>(e.ErrorCode, out var code) ? code : ErrorCode.INTERNAL_ERROR, e.ServerMessage ?? e.Message, e);
        }
        catch (Exception e) when (e is FormatException or CommandException)
        {
            throw new Server.MlflowException(ErrorCode.INTERNAL_ERROR, e.Message, e);
        }
    }
}
