using MLflow.Server.Storage;
using MLflow.Server.Traces.Analysis;
using MLflow.Server.Ui.Formatting;

namespace MLflow.Server.Ui.Assessments;

/// <summary>The names of feedback and expectations that an experiment has, with their values, so that a form can offer them.</summary>
public sealed class UsedNames
{
    /// <summary>Names and values that are looked at.</summary>
    private const int Looked = 1000;

    /// <summary>Values of a name up to which they are a choice and not free text.</summary>
    private const int MostChoices = 20;

    private readonly Dictionary<string, List<string>> _values = new(StringComparer.Ordinal);

    /// <param name="used">Names and JSON values, in any order; a pair may come again.</param>
    public UsedNames(IEnumerable<(string Name, string Value)> used)
    {
        foreach (var (name, value) in used)
        {
            if (!_values.TryGetValue(name, out var values))
            {
                _values.Add(name, values = []);
            }

            if (!values.Contains(value))
            {
                values.Add(value);
            }
        }
    }

    public IEnumerable<string> Names => _values.Keys.Order(StringComparer.Ordinal);

    /// <summary>How values of a name are given; null where it is not known.</summary>
    public ValueKind? KindOf(string name) =>
        !_values.TryGetValue(name, out var values) ? null
        : values.TrueForAll(value => value is "true" or "false") ? ValueKind.YesNo
        : values.TrueForAll(value => value.Length > 0 && (char.IsAsciiDigit(value[0]) || value[0] == '-')) ? ValueKind.Number
        : values.TrueForAll(value => value.StartsWith('"')) ? (values.Count <= MostChoices ? ValueKind.Category : ValueKind.Text)
        : ValueKind.Json;

    /// <summary>The texts that a name has had.</summary>
    public IEnumerable<string> TextsOf(string name) =>
        _values.TryGetValue(name, out var values) ? values.Where(value => value.StartsWith('"')).Select(value => TolerantJson.Unquote(value)!).Take(MostChoices).Order(StringComparer.Ordinal) : [];

    internal static async Task<UsedNames> ReadAsync(ITraceAnalysis analysis, long experimentId, CancellationToken cancellationToken)
    {
        try
        {
            var points = await analysis.QueryAsync(
                new MetricQuery
                {
                    ExperimentIds = [experimentId],
                    View = MetricView.Assessments,
                    Metric = "assessment_count",
                    Aggregations = [new MetricAggregation(MetricAggregationType.Count)],
                    Dimensions = ["assessment_name", "assessment_value"],
                    PageSize = Looked,
                },
                cancellationToken);
            return new UsedNames(points.Select(point => (point.Dimensions["assessment_name"], point.Dimensions["assessment_value"])));
        }
        catch (MlflowException e) when (e.ErrorCode is ErrorCode.BAD_REQUEST)
        {
            // It took too long: the form offers nothing then.
            return new UsedNames([]);
        }
    }
}
