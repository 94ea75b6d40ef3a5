namespace MLflow.Server.Ui.List;

/// <summary>What differs from success, which is silent.</summary>
public enum StateMark
{
    None,
    Running,
    Failed,

    /// <summary>The app stopped reading the stream.</summary>
    Stopped,

    /// <summary>The server cut the stream.</summary>
    Cut,

    /// <summary>No end was received, and none is to be expected.</summary>
    Interrupted,

    /// <summary>Spans that the client announced have not come.</summary>
    Waiting,
}
