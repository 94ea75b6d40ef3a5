namespace MLflow.Server.Mcp;

/// <summary>Arguments that several tools have.</summary>
internal static class ToolParameters
{
    public static readonly ToolParameter TraceId = new("trace_id", ToolParameterType.Text, "Id of the trace, tr-…") { IsRequired = true };
    public static readonly ToolParameter SpanId = new("span_id", ToolParameterType.Text, "Id of the span, as get_trace gives it: 16 hexadecimal digits.") { IsRequired = true };
    public static readonly ToolParameter ExperimentId = new("experiment_id", ToolParameterType.Text, "Id of the experiment, for example \"0\"; search_experiments lists them.") { IsRequired = true };
    public static readonly ToolParameter PageToken = new("page_token", ToolParameterType.Text, "Goes on where an answer with the same other arguments ended: its next_page_token.");

    /// <summary>Where a slice of text begins.</summary>
    public static readonly ToolParameter Offset = new("offset", ToolParameterType.Number, "Character of the text to begin at.");

    /// <summary>How long a slice of text is.</summary>
    public static readonly ToolParameter Limit = new("limit", ToolParameterType.Number, "Characters to show at most; an answer may have room for fewer, and says so.") { Minimum = 100, Default = 8000 };
}
