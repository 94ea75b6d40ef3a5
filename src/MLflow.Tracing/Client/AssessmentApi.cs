using System.Text.Json;

namespace MLflow;

/// <summary>The requests for assessments: <c>/api/3.0/mlflow/traces/{id}/assessments…</c></summary>
internal sealed class AssessmentApi
{
    private readonly TrackingApi _api;

    public AssessmentApi(TrackingApi api) => _api = api;

    /// <exception cref="MlflowException">There is no such trace, or the server refused or could not be reached.</exception>
    public async Task<Assessment> CreateAsync(NewAssessment assessment, CancellationToken cancellationToken)
    {
        if (CatalogTraces.For(_api, assessment.TraceId, out var location, out var hex) is { } catalog)
        {
            return ReadBare(await _api.WriteAsync(HttpMethod.Post, catalog.Assessments(location, hex), ScratchJson.Write(assessment, AssessmentFormat.Write), cancellationToken).ConfigureAwait(false));
        }

        var body = ScratchJson.Write(assessment, static (json, s) =>
        {
            json.WriteStartObject();
            json.WritePropertyName("assessment");
            AssessmentFormat.Write(json, s);
            json.WriteEndObject();
        });
        return Read(await _api.WriteAsync(HttpMethod.Post, Path(assessment.TraceId), body, cancellationToken).ConfigureAwait(false));
    }

    /// <exception cref="MlflowException">There is none, or the server could not be asked.</exception>
    public async Task<Assessment> GetAsync(string traceId, string assessmentId, CancellationToken cancellationToken)
    {
        if (CatalogTraces.For(_api, traceId, out var location, out var hex) is { } catalog)
        {
            return ReadBare(await _api.GetAsync(catalog.Assessments(location, hex, assessmentId), cancellationToken).ConfigureAwait(false));
        }

        // MLflow's clients tell the ids in the path and again in the query, and its server may read either.
        var query = $"?trace_id={Uri.EscapeDataString(traceId)}&assessment_id={Uri.EscapeDataString(assessmentId)}";
        return Read(await _api.GetAsync(Path(traceId, assessmentId) + query, cancellationToken).ConfigureAwait(false));
    }

    /// <param name="traceId">The trace.</param>
    /// <param name="assessmentId">The assessment.</param>
    /// <param name="change">What becomes another; null and absent values stay.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<Assessment> UpdateAsync(string traceId, string assessmentId, AssessmentUpdate change, CancellationToken cancellationToken)
    {
        if (CatalogTraces.For(_api, traceId, out var location, out var hex) is { } catalog)
        {
            // There the mask stands in the query, in snake_case.
            var path = $"{catalog.Assessments(location, hex, assessmentId)}&update_mask={change.Mask.Replace("assessmentName", "assessment_name", StringComparison.Ordinal)}";
            return ReadBare(await _api.WriteAsync(HttpMethod.Patch, path, ScratchJson.Write((traceId, assessmentId, change), WriteChange), cancellationToken).ConfigureAwait(false));
        }

        var body = ScratchJson.Write((traceId, assessmentId, change), static (json, s) =>
        {
            json.WriteStartObject();
            json.WritePropertyName("assessment");
            WriteChange(json, s);
            json.WriteString("update_mask", s.change.Mask);
            json.WriteEndObject();
        });
        return Read(await _api.WriteAsync(HttpMethod.Patch, Path(traceId, assessmentId), body, cancellationToken).ConfigureAwait(false));
    }

    public Task DeleteAsync(string traceId, string assessmentId, CancellationToken cancellationToken) =>
        CatalogTraces.For(_api, traceId, out var location, out var hex) is { } catalog
            ? _api.WriteAsync(HttpMethod.Delete, catalog.Assessments(location, hex, assessmentId), null, cancellationToken)
            : _api.WriteAsync(HttpMethod.Delete, Path(traceId, assessmentId), ApiJson.Fields(("trace_id", traceId), ("assessment_id", assessmentId)), cancellationToken);

    private static void WriteChange(Utf8JsonWriter json, (string TraceId, string AssessmentId, AssessmentUpdate Change) s)
    {
        json.WriteStartObject();
        json.WriteString("assessment_id", s.AssessmentId);
        if (s.Change.Name is { } name)
        {
            json.WriteString("assessment_name", name);
        }

        json.WriteString("trace_id", s.TraceId);
        if (s.Change.HasValue)
        {
            AssessmentFormat.WriteValue(json, s.Change.Kind, s.Change.Value, s.Change.Error);
        }

        if (s.Change.Rationale is { } rationale)
        {
            json.WriteString("rationale", rationale);
        }

        AssessmentFormat.WriteMetadata(json, s.Change.Metadata);
        json.WriteEndObject();
    }

    private static Assessment ReadBare(byte[] answer) => ApiJson.Read(answer, AssessmentFormat.Read);

    private static Assessment Read(byte[] answer) =>
        ApiJson.Read(answer, root => AssessmentFormat.Read(ApiJson.Member(root, "assessment") ?? throw new FormatException("it has no 'assessment'")));

    private static string Path(string traceId) => $"/api/3.0/mlflow/traces/{Uri.EscapeDataString(traceId)}/assessments";

    private static string Path(string traceId, string assessmentId) => $"{Path(traceId)}/{Uri.EscapeDataString(assessmentId)}";
}
