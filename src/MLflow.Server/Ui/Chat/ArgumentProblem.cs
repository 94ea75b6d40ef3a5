namespace MLflow.Server.Ui.Chat;

/// <summary>An argument that does not fit the tool's schema.</summary>
/// <param name="Argument">Its name; empty when the arguments as a whole are wrong.</param>
/// <param name="Words">What is wrong, for example <c>zip: number given, schema says string</c>.</param>
public sealed record ArgumentProblem(string Argument, string Words);
