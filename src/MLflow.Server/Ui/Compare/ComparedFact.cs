namespace MLflow.Server.Ui.Compare;

/// <summary>A fact of each trace.</summary>
/// <param name="Name">Which one.</param>
/// <param name="Values">Of each trace; empty where it is not known.</param>
public sealed record ComparedFact(string Name, IReadOnlyList<string> Values)
{
    public bool IsSame => Values.Distinct(StringComparer.Ordinal).Count() <= 1;
}
