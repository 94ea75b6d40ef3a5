namespace MLflow.AotSmoke;

internal readonly struct Money(int coins)
{
    public override string ToString() => coins + " coins";
}
