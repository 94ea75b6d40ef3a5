namespace MLflow.Server.Conventions;

/// <summary>Which span type an attribute's value means.</summary>
/// <param name="Key">The attribute, or <see cref="NameOfSpan"/>.</param>
/// <param name="Value">The value, whatever its case; a star at its end stands for any rest, and alone for any value.</param>
/// <param name="Type">MLflow's type.</param>
internal sealed record TypeRow(string Key, string Value, string Type)
{
    /// <summary>In place of an attribute: the span's own name.</summary>
    public const string NameOfSpan = "(name)";

    public bool Fits(SpanSource source) => Value == "*"
        ? source.Json(Key) is not null
        : (Key == NameOfSpan ? source.Span.Name : source.Text(Key)) is { } value
        && (Value.EndsWith('*') ? value.StartsWith(Value[..^1], StringComparison.OrdinalIgnoreCase) : value.Equals(Value, StringComparison.OrdinalIgnoreCase));
}
