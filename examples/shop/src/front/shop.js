'use strict';

const order = async form => {
  const status = document.querySelector('[role=status]');
  const quantity = Number(form.elements.quantity.value);
  const answer = await fetch('/api/checkout', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ book: Number(form.dataset.book), quantity }),
  });
  const { order: number, total, error } = await answer.json();
  status.textContent = answer.ok
    ? `Thank you! Order ${number} comes to ${total.toFixed(2)} EUR.`
    : `The order failed: ${error}.`;
};

for (const form of document.querySelectorAll('form')) {
  // Ordered here, and never by leaving the page.
  form.addEventListener('submit', event => event.preventDefault());
}
for (const form of document.querySelectorAll('form.order')) {
  form.addEventListener('submit', () => order(form));
}
