namespace MLflow;

/// <summary>How the reading of a response body ended. What a stream's end means is decided by its content, not by this.</summary>
internal enum BodyEnd
{
    /// <summary>Still being read.</summary>
    None,

    /// <summary>Read to the end.</summary>
    Completed,

    /// <summary>Closed by the program; the OpenAI package closes a stream at <c>[DONE]</c> without reading on.</summary>
    Disposed,

    /// <summary>Closed from elsewhere while a read waited: a time limit of the client.</summary>
    DisposedInRead,

    /// <summary>Reading threw because it was cancelled.</summary>
    Canceled,

    /// <summary>Reading threw.</summary>
    Faulted,

    /// <summary>Dropped by the program and found by the garbage collector.</summary>
    Finalized,

    /// <summary>Tracing was turned off, or the program ended, before the answer was over.</summary>
    Detached,
}
