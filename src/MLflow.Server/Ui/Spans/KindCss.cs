namespace MLflow.Server.Ui.Spans;

/// <summary>The CSS class that gives a kind its hue and shape.</summary>
public static class KindCss
{
    public static string Of(SpanKind kind) => kind switch
    {
        SpanKind.Agent => "k-agent",
        SpanKind.Model => "k-model",
        SpanKind.Tool => "k-tool",
        SpanKind.Retriever => "k-retriever",
        SpanKind.Embedding => "k-embedding",
        _ => "k-other",
    };
}
