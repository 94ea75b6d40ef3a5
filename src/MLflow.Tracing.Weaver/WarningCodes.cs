namespace MLflow.Tracing.Weaver;

/// <summary>Codes of the build's messages. docs/trace-attribute.md explains them.</summary>
internal static class WarningCodes
{
    /// <summary>The method has no body to weave.</summary>
    public const string NoBody = "MLFLOW001";

    /// <summary>The method's body is of a kind that cannot be woven.</summary>
    public const string UnknownBody = "MLFLOW002";

    /// <summary>The method's work goes on after it has returned, in a way that is not known.</summary>
    public const string UnknownTask = "MLFLOW003";

    /// <summary>Nothing is woven: what the assembly is made with has no place for it.</summary>
    public const string AssemblyNotWoven = "MLFLOW004";

    /// <summary>Weaving failed. The one code that is an error.</summary>
    public const string Failed = "MLFLOW005";

    /// <summary>There is no such reducer of the output, or the method has nothing that it could be given.</summary>
    public const string NoReducer = "MLFLOW006";

    /// <summary>The sampling ratio is none.</summary>
    public const string NoRatio = "MLFLOW007";
}
