namespace MLflow.Server.Ui.Noticing;

/// <summary>How much a notice matters.</summary>
public enum NoticeMark
{
    /// <summary>It is wrong.</summary>
    Wrong,

    /// <summary>It costs time or money, or may become wrong.</summary>
    Odd,

    /// <summary>It was checked, and is right.</summary>
    Good,
}
