using System.Text.RegularExpressions;

namespace MLflow.Server.Traces.Analysis;

/// <summary>One filter of a query of metrics: <c>trace.status = "OK"</c>, <c>trace.tag.env = "prod"</c>, <c>span.name = "add"</c>.</summary>
/// <param name="Entity"><c>trace</c>, <c>span</c> or <c>assessment</c>.</param>
/// <param name="Field"><c>status</c>, <c>tag</c>, <c>metadata</c>, <c>name</c> or <c>type</c>.</param>
/// <param name="Key">Of a tag or of metadata.</param>
/// <param name="Value">What it must be.</param>
internal sealed partial record MetricFilter(string Entity, string Field, string? Key, string Value)
{
    private const int MaxLength = 10_000;

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: not such a filter, or of something that the view does not have.</exception>
    public static MetricFilter Parse(string text, MetricView view)
    {
        if (text.Length > MaxLength || Clause().Match(text) is not { Success: true } match)
        {
            throw Invalid(
                $"Invalid filter '{(text.Length > MaxLength ? text[..100] + "…" : text)}': it must be one of trace.status, trace.tag.<key>, trace.metadata.<key>, span.name, span.status, span.type, "
                + "assessment.name, assessment.type, then = and a quoted value.");
        }

        var entity = match.Groups["entity"].Value;
        if ((entity == "span" && view != MetricView.Spans) || (entity == "assessment" && view != MetricView.Assessments))
        {
            throw Invalid($"Filtering by {entity} is only supported for {entity.ToUpperInvariant()}S view type, got {view.ToString().ToUpperInvariant()}");
        }

        var key = match.Groups["key"];
        return new MetricFilter(entity, match.Groups["field"].Value, key.Success ? key.Value : null, match.Groups["value"].Value);
    }

    private static MlflowException Invalid(string message) => new(ErrorCode.INVALID_PARAMETER_VALUE, message);

    [GeneratedRegex("""
        ^\s*(?:(?<entity>trace)\.(?:(?<field>status)|(?<field>tag|metadata)\.(?:`(?<key>[^`]+)`|(?<key>[^\s=`'"!<>]+)))|(?<entity>span)\.(?<field>name|status|type)|(?<entity>assessment)\.(?<field>name|type))\s*=\s*(?:"(?<value>[^"]*)"|'(?<value>[^']*)')\s*$
        """, RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Clause();
}
