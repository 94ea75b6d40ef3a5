namespace MLflow.Weaver.Tests.Shapes;

internal sealed class DerivedCalls : Calls
{
    public override string Virtual() => "derived of " + base.Virtual();

    [Trace]
    public override string Untraced() => "derived of " + base.Untraced();
}
