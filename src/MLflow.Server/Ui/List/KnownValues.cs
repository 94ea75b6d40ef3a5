using MLflow.Server.Assessments;
using MLflow.Server.Traces;
using MLflow.Server.Ui.Sessions;

namespace MLflow.Server.Ui.List;

/// <summary>What some traces have in their fields: offered where a filter is written and columns are chosen.</summary>
public sealed class KnownValues
{
    private const int MostKeys = 60;
    private const int MostValues = 30;
    private const int LongestValue = 120;
    private readonly SortedDictionary<string, Dictionary<string, int>> _values = new(StringComparer.Ordinal);

    public KnownValues(IEnumerable<TraceInfo> traces)
    {
        foreach (var value in (string[])["OK", "ERROR", "IN_PROGRESS", "INTERRUPTED"])
        {
            Add("trace.status", value);
        }

        foreach (var value in (string[])["CHAT_MODEL", "LLM", "TOOL", "AGENT", "CHAIN", "RETRIEVER", "EMBEDDING", "RERANKER", "PARSER", "UNKNOWN"])
        {
            Add("span.type", value);
        }

        foreach (var value in (string[])["OK", "ERROR", "UNSET"])
        {
            Add("span.status", value);
        }

        foreach (var trace in traces)
        {
            Read(trace);
        }
    }

    /// <summary>Names as a filter writes them without quotes: <c>trace.status</c>, <c>tags.env</c>.</summary>
    public IEnumerable<string> Names => _values.Keys;

    /// <summary>The values of a name, the most frequent first.</summary>
    public IReadOnlyList<string> Of(string name) =>
        _values.TryGetValue(name, out var values) ? [.. values.OrderByDescending(value => value.Value).ThenBy(value => value.Key, StringComparer.Ordinal).Take(MostValues).Select(value => value.Key)] : [];

    /// <summary>The keys below a prefix: those of tags below <c>tags.</c>.</summary>
    public IEnumerable<string> Keys(string prefix) => _values.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Select(name => name[prefix.Length..]);

    private void Read(TraceInfo trace)
    {
        Add("trace.name", trace.Tags.GetValueOrDefault(TraceKeys.TraceName) ?? trace.Facts.Name);
        foreach (var (key, value) in trace.Tags.Where(tag => !tag.Key.StartsWith("mlflow.", StringComparison.Ordinal)))
        {
            Add("tags." + key, value);
        }

        foreach (var (key, value) in trace.Metadata.Where(pair => !pair.Key.StartsWith("mlflow.", StringComparison.Ordinal) || pair.Key is TraceKeys.User or TraceKeys.Session))
        {
            Add("metadata." + key, value);
        }

        foreach (var assessment in trace.Assessments.Where(assessment => assessment.IsValid && assessment.Error is null))
        {
            Add((assessment.Type == AssessmentType.Expectation ? "expectation." : "feedback.") + assessment.Name, assessment.Value is "true" or "false" ? assessment.Value : FeedbackText.Of(assessment));
        }
    }

    private void Add(string name, string? value)
    {
        if (string.IsNullOrEmpty(value))
        {
            return;
        }

        if (!_values.TryGetValue(name, out var values))
        {
            if (_values.Count >= MostKeys)
            {
                return;
            }

            _values.Add(name, values = new Dictionary<string, int>(StringComparer.Ordinal));
        }

        if (value.Length <= LongestValue && (values.Count < 10 * MostValues || values.ContainsKey(value)))
        {
            values[value] = values.GetValueOrDefault(value) + 1;
        }
    }
}
