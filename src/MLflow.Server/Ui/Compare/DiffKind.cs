namespace MLflow.Server.Ui.Compare;

/// <summary>What became of a piece of text.</summary>
public enum DiffKind
{
    Same,
    Added,
    Removed,
}
