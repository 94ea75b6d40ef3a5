namespace MLflow.Server.Ui.Spans;

/// <summary>What a piece of a bar says. Hollow is waiting, solid is tokens arriving or work.</summary>
public enum BarStyle
{
    /// <summary>Work, or tokens arriving.</summary>
    Solid,

    /// <summary>Waiting for the model.</summary>
    Hollow,

    /// <summary>A parent that only contains.</summary>
    Bracket,

    /// <summary>A try that failed.</summary>
    FailedAttempt,

    /// <summary>The pause before the next try.</summary>
    BackOff,

    /// <summary>Still going on: the end is open.</summary>
    Open,

    /// <summary>Broke off here.</summary>
    Broken,

    /// <summary>The app stopped it here.</summary>
    Stopped,

    /// <summary>On the critical path.</summary>
    Critical,
}
