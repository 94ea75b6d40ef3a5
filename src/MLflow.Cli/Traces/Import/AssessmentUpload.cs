using System.Globalization;
using System.Net;
using System.Text.Json;

namespace MLflow.Cli.Traces.Import;

/// <summary>
/// Brings assessments that override one another. A server of ours takes them with their trace and keeps their ids; others may give new ones, which nobody can
/// link afterwards, so each is created after the one that it overrides, by that one's new id.
/// </summary>
internal sealed class AssessmentUpload
{
    private const string Path = "/api/3.0/mlflow/traces";

    private readonly TrackingApi _api;
    private Task<bool>? _keepsIds;

    public AssessmentUpload(TrackingApi api) => _api = api;

    /// <summary>Whether a trace's assessments go by themselves, after it.</summary>
    public async Task<bool> GoApartAsync(TraceDocument trace, CancellationToken cancellationToken) =>
        Of(trace).Any(assessment => Overrides(assessment) is not null) && !await KeepsIdsAsync(cancellationToken);

    /// <summary>Creates those that are not there yet.</summary>
    /// <exception cref="MlflowException">The server refused one or could not be reached.</exception>
    public async Task SendAsync(TraceDocument trace, CancellationToken cancellationToken)
    {
        var path = $"{Path}/{Uri.EscapeDataString(trace.TraceId)}";
        var stored = ApiJson.Read(await _api.GetAsync(path, cancellationToken), root => Ids(ApiJson.Member(ApiJson.Member(root, "trace") ?? root, "trace_info") ?? default));
        var newIds = new Dictionary<string, string>();
        foreach (var assessment in OldestFirst(Of(trace)))
        {
            var id = stored.TryGetValue(Key(assessment), out var there) && there.TryDequeue(out var found) ? found
                : ApiJson.Read(await _api.WriteAsync(HttpMethod.Post, path + "/assessments", Body(assessment, newIds), cancellationToken), root => ApiJson.Text(ApiJson.Member(root, "assessment") ?? root, "assessment_id"));
            if (ApiJson.Text(assessment, "assessment_id") is { } oldId && id is not null)
            {
                newIds[oldId] = id;
            }
        }
    }

    private static IEnumerable<JsonElement> Of(TraceDocument trace) => ApiJson.Items(trace.Info, "assessments");

    private static string? Overrides(JsonElement assessment) => ApiJson.Text(assessment, "overrides") is { Length: > 0 } id ? id : null;

    /// <summary>What is overridden comes before what overrides it; a circle, which no server makes, is cut somewhere.</summary>
    private static List<JsonElement> OldestFirst(IEnumerable<JsonElement> assessments)
    {
        var left = assessments.ToList();
        var ordered = new List<JsonElement>(left.Count);
        while (left.Count > 0)
        {
            var waiting = left.Select(assessment => ApiJson.Text(assessment, "assessment_id")).ToHashSet();
            var free = left.FindAll(assessment => !waiting.Contains(Overrides(assessment)));
            free = free.Count > 0 ? free : [left[0]];
            ordered.AddRange(free);
            left.RemoveAll(free.Contains);
        }

        return ordered;
    }

    private static byte[] Body(JsonElement assessment, Dictionary<string, string> newIds) => ScratchJson.Write((assessment, newIds), static (json, state) =>
    {
        json.WriteStartObject();
        json.WriteStartObject("assessment");
        foreach (var member in state.assessment.EnumerateObject())
        {
            if (member.Name == "overrides" && Overrides(state.assessment) is { } overridden)
            {
                json.WriteString(member.Name, state.newIds.GetValueOrDefault(overridden, overridden));
            }
            else if (member.Name != "assessment_id")
            {
                member.WriteTo(json);
            }
        }

        json.WriteEndObject();
        json.WriteEndObject();
    });

    /// <summary>The ids of what is there already, of an import before, by what tells one from another.</summary>
    private static Dictionary<string, Queue<string>> Ids(JsonElement info) => ApiJson.Items(info, "assessments")
        .GroupBy(Key, assessment => ApiJson.Text(assessment, "assessment_id")!)
        .ToDictionary(group => group.Key, group => new Queue<string>(group));

    private static string Key(JsonElement assessment)
    {
        var source = ApiJson.Member(assessment, "source") ?? default;
        var time = ApiJson.Text(assessment, "create_time");
        return string.Join(
            '\n',
            ApiJson.Text(assessment, "assessment_name"),
            ApiJson.Text(assessment, "span_id"),
            ApiJson.Text(source, "source_type"),
            ApiJson.Text(source, "source_id"),
            DateTimeOffset.TryParse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var parsed) ? parsed.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture) : time);
    }

    // Whoever comes at the same time asks, too: the answer is the same.
    private Task<bool> KeepsIdsAsync(CancellationToken cancellationToken) =>
        _keepsIds is { IsFaulted: false, IsCanceled: false } asked ? asked : _keepsIds = AskAsync(cancellationToken);

    private async Task<bool> AskAsync(CancellationToken cancellationToken)
    {
        try
        {
            return ApiJson.Read(await _api.GetAsync("/api/3.0/mlflow/server-info", cancellationToken), root => ApiJson.Member(root, "keeps_assessment_ids") is { ValueKind: JsonValueKind.True });
        }
        catch (MlflowException e) when (e.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed or HttpStatusCode.NotImplemented)
        {
            return false;
        }
    }
}
