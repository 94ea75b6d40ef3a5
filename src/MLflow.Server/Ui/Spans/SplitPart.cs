using MLflow.Server.Ui.Formatting;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Spans;

/// <summary>A share of the time of a trace.</summary>
/// <param name="Kind">Spent on what.</param>
/// <param name="Milliseconds">How long.</param>
/// <param name="Share">Of the whole, 0 to 1.</param>
public sealed record SplitPart(SplitKind Kind, double Milliseconds, double Share)
{
    public string Words => Kind switch
    {
        SplitKind.Waiting => T("waiting for the model"),
        SplitKind.Streaming => T("streaming"),
        SplitKind.Tools => T("tools"),
        SplitKind.Retrieval => T("retrieval"),
        SplitKind.Embedding => T("embedding"),
        SplitKind.Retries => T("retries"),
        _ => T("your code"),
    };

    public string Css => Kind switch
    {
        SplitKind.Waiting => "k-model w",
        SplitKind.Streaming => "k-model s",
        SplitKind.Tools => "k-tool s",
        SplitKind.Retrieval => "k-retriever s",
        SplitKind.Embedding => "k-embedding s",
        SplitKind.Retries => "hatch",
        _ => "k-other s",
    };

    public string Title => $"{Words} {Figures.Duration(Milliseconds)}";
}
