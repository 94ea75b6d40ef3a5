namespace MLflow;

/// <summary>What an <see cref="AttributeValue"/> holds.</summary>
internal enum AttributeValueKind : byte
{
    Null,
    Boolean,
    Int64,
    Double,
    String,

    /// <summary>UTF-8 JSON text of any JSON value.</summary>
    Json,
}
