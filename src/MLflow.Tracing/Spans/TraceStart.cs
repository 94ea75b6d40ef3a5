namespace MLflow;

/// <summary>What is known of a trace when it begins: its first span. For <see cref="MlflowClientOptions.Sampler"/>.</summary>
public sealed class TraceStart
{
    internal TraceStart(string name, string spanType) => (Name, SpanType) = (name, spanType);

    /// <summary>Name of the span.</summary>
    public string Name { get; }

    /// <summary>Type of the span: one of <see cref="MLflow.SpanType"/>, or the program's own.</summary>
    public string SpanType { get; }
}
