namespace MLflow;

/// <summary>
/// Keeps a parameter of a method with <see cref="TraceAttribute"/> out of its spans: <c>Login(string user, [NotTraced] string password)</c>;
/// with <c>[return: NotTraced]</c>, what the method returns.
/// </summary>
[AttributeUsage(AttributeTargets.Parameter | AttributeTargets.ReturnValue)]
public sealed class NotTracedAttribute : Attribute;
