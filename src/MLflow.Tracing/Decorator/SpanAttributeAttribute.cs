namespace MLflow;

/// <summary>Sets an attribute on the spans of a method that has <see cref="TraceAttribute"/>: <c>[SpanAttribute("index", "docs")]</c>.</summary>
[AttributeUsage(AttributeTargets.Method, Inherited = false, AllowMultiple = true)]
public sealed class SpanAttributeAttribute : Attribute
{
    /// <summary>Sets an attribute.</summary>
    /// <param name="key">The attribute's name. One that is empty is ignored.</param>
    /// <param name="value">Text, a number or a boolean.</param>
    public SpanAttributeAttribute(string key, object? value)
    {
        Key = key;
        Value = value;
    }

    /// <summary>The attribute's name.</summary>
    public string Key { get; }

    /// <summary>The attribute's value.</summary>
    public object? Value { get; }
}
