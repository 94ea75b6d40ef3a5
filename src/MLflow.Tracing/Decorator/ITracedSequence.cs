namespace MLflow;

/// <summary>Something whose enumeration is traced.</summary>
internal interface ITracedSequence
{
    /// <summary>Makes the output of a list of all elements. Null: the list is the output.</summary>
    Func<object, object?>? Reducer { get; set; }
}
