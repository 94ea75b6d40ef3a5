namespace MLflow;

/// <summary>A configured value and where it stood. The value never appears in a text of ours.</summary>
/// <param name="Value">The value.</param>
/// <param name="Origin">Where it stood, for messages.</param>
internal readonly record struct DatabricksValue(string Value, string Origin)
{
    public override string ToString() => Origin;
}
