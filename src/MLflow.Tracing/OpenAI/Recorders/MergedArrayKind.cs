namespace MLflow;

/// <summary>How the items of a streamed array come together.</summary>
internal enum MergedArrayKind
{
    /// <summary>Every item is new.</summary>
    Appended,

    /// <summary>Tool calls: items of one <c>index</c> are pieces of one call. The index is not part of the result.</summary>
    Calls,

    /// <summary>Parts of content or reasoning: an item continues the one of its index and type, or the last one of its type.</summary>
    Parts,
}
